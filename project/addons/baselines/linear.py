"""Labelled texts -> linear classifiers over words and word pairs.

majority   the most frequent label of train
TF-IDF     sublinear TF-IDF, logistic regression
NB-SVM     binary features weighted by naive Bayes log-count ratios, linear SVM (Wang and Manning 2012)

If texts have any number of labels, majority answers the most frequent set of them, and the others have a classifier
for each label; if every text of train has a label, they answer with at least one, as the model does.

The strength of regularization, if there is one, is the one with the best accuracy on val or, with any number of labels,
the best macro F1.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from project.text import basic_english

Labels = NDArray[np.int64]  # (texts,), or of any number of labels (texts, C) of 0 and 1
Bools = NDArray[np.bool_]
Scores = Callable[[Any], NDArray[np.float64]]  # above 0 for yes, (texts,)
Predict = Callable[[Any], Labels]
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # C, the inverse of the regularization strength
INTERPOLATION = 0.25  # of the SVM's weights with their mean magnitude, as in the paper
WORDS = {"tokenizer": basic_english, "token_pattern": None, "lowercase": False, "ngram_range": (1, 2), "min_df": 2}


class Baseline(NamedTuple):
    """A linear classifier's predictions.

    Attributes:
        name: As shown in the table.
        strength: The C that was best on val; None for a classifier without one.
        val: Predicted labels of val.
        test: Predicted labels of test.
    """

    name: str
    strength: float | None
    val: Labels
    test: Labels


def majority(train: Labels, val: int, test: int) -> Baseline:
    """Predict the most frequent label, or set of them, of `train` for all; `val` and `test` are numbers of texts."""
    found, counts = np.unique(train, axis=0, return_counts=True)
    label = found[counts.argmax()]
    return Baseline("majority", None, *(np.tile(label, (texts, *[1] * label.ndim)) for texts in (val, test)))


def tf_idf(texts: Sequence[Sequence[str]], train: Labels, val: Labels) -> Baseline:
    """Train on the first of `texts` (train, val, test), choose C on the second, predict the second and third."""
    vectorizer = TfidfVectorizer(sublinear_tf=True, **WORDS)
    inputs = [vectorizer.fit_transform(texts[0]), *(vectorizer.transform(each) for each in texts[1:])]

    def model(strength: float, labels: NDArray[Any]) -> LogisticRegression:
        return LogisticRegression(C=strength, max_iter=2000).fit(inputs[0], labels)

    def fit(strength: float) -> Predict:
        if train.ndim == 2:
            scores = [scores_of(lambda has: model(strength, has).decision_function, has) for has in train.T > 0]
            return each_label(scores, bool(train.any(1).all()))
        whole = model(strength, train)
        return lambda x: np.asarray(whole.predict(x), dtype=np.int64)

    return best_on_val("TF-IDF", fit, inputs, val)


def nb_svm(texts: Sequence[Sequence[str]], train: Labels, val: Labels) -> Baseline:
    """Train on the first of `texts` (train, val, test), choose C on the second, predict the second and third."""
    vectorizer = CountVectorizer(binary=True, dtype=np.float64, **WORDS)
    inputs = [vectorizer.fit_transform(texts[0]), *(vectorizer.transform(each) for each in texts[1:])]
    classes = range(1, 2) if train.max() < 2 else range(int(train.max()) + 1)  # one class against the rest
    columns = train.T > 0 if train.ndim == 2 else np.array([train == label for label in classes])
    ratios = [log_count_ratio(inputs[0], has) for has in columns]

    def fit(strength: float) -> Predict:
        def model(has: Bools, ratio: NDArray[np.float64]) -> Scores:
            svm = LinearSVC(C=strength, max_iter=5000).fit(inputs[0].multiply(ratio).tocsr(), has)
            found = svm.coef_[0] if train.ndim == 2 else weights(svm)  # interpolated, they would not fit its intercept
            return lambda x: x @ (ratio * found) + svm.intercept_

        scores = [scores_of(partial(model, ratio=ratio), has) for has, ratio in zip(columns, ratios, strict=True)]
        return each_label(scores, bool(train.any(1).all())) if train.ndim == 2 else best_label(scores)

    return best_on_val("NB-SVM", fit, inputs, val)


def scores_of(fit: Callable[[Bools], Scores], has: Bools) -> Scores:
    """Return the scores of a classifier for one label; if all texts or none have it, a constant.

    Args:
        fit: Trains it.
        has: Which texts of train have the label, (texts,).
    """
    if has.all() or not has.any():
        return lambda x: np.full(x.shape[0], np.inf if has[0] else -np.inf)
    return fit(has)


def each_label(scores: Sequence[Scores], least: bool) -> Predict:
    """Return a function from texts to all labels with a score above 0, (texts, C); if `least`, also to the highest."""

    def predict(x: csr_matrix) -> Labels:
        found = np.stack([score(x) for score in scores], axis=1)
        highest = found.argmax(1)[:, None] == np.arange(len(scores))
        return np.asarray((found > 0) | (highest & least), dtype=np.int64)

    return predict


def best_label(scores: Sequence[Scores]) -> Predict:
    """Return a function from texts to the label with the highest score, (texts,); one score is that of the second."""

    def predict(x: csr_matrix) -> Labels:
        found = np.stack([score(x) for score in scores])
        return np.asarray(found.argmax(0) if len(found) > 1 else found[0] > 0, dtype=np.int64)

    return predict


def weights(model: LinearSVC) -> NDArray[np.float64]:
    """Return an SVM's weights (V,), interpolated with their mean magnitude."""
    own = model.coef_[0]
    return np.asarray((1 - INTERPOLATION) * np.abs(own).mean() + INTERPOLATION * own)


def log_count_ratio(present: csr_matrix, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the log of how much more frequent each word is in the `chosen` texts than in the others, (V,)."""
    inside, outside = (1 + np.asarray(present[rows].sum(0)).ravel() for rows in (chosen, ~chosen))
    return np.asarray(np.log((inside / inside.sum()) / (outside / outside.sum())))


def best_on_val(name: str, fit: Callable[[float], Predict], inputs: Sequence[Any], val: Labels) -> Baseline:
    """Fit with every C; return the predictions of the one that is best on val, of the smallest C if several tie."""
    found = []
    for strength in STRENGTHS:
        predict = fit(strength)
        answers = predict(inputs[1])
        found.append((quality(answers, val), -strength, predict, answers))
    _, strength, predict, answers = max(found, key=lambda each: each[:2])
    return Baseline(name, -strength, answers, predict(inputs[2]))


def quality(answers: Labels, labels: Labels) -> float:
    """Return the accuracy or, with any number of labels, the macro F1."""
    return float((answers == labels).mean()) if labels.ndim == 1 else f1_of_labels(answers, labels)[0]


def f1_of_labels(answers: Labels, labels: Labels) -> tuple[float, float]:
    """Return macro F1, over the labels that some text has, and micro F1; 0 without any. Both are (texts, C)."""
    hits, sizes, there = (answers & labels).sum(0), answers.sum(0) + labels.sum(0), labels.any(0)
    each = 2 * hits[there] / sizes[there]
    return float(each.mean() if there.any() else 0), float(2 * hits.sum() / max(sizes.sum(), 1))
