"""Labelled texts -> linear classifiers over words and word pairs.

majority   the most frequent label of train
TF-IDF     sublinear TF-IDF, logistic regression
NB-SVM     binary features weighted by naive Bayes log-count ratios, linear SVM (Wang and Manning 2012)

The strength of regularization, if there is one, is the one with the best accuracy on val.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from project.text import basic_english

Labels = NDArray[np.int64]
Predict = Callable[[Any], Labels]
STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # C, the inverse of the regularization strength
INTERPOLATION = 0.25  # of the SVM's weights with their mean magnitude, as in the paper
WORDS = {"tokenizer": basic_english, "token_pattern": None, "lowercase": False, "ngram_range": (1, 2), "min_df": 2}


class Baseline(NamedTuple):
    """A linear classifier's predictions.

    Attributes:
        name: As shown in the table.
        strength: The C that was best on val; None for a classifier without one.
        val: Predicted labels of val, (texts,).
        test: Predicted labels of test, (texts,).
    """

    name: str
    strength: float | None
    val: Labels
    test: Labels


def majority(train: Labels, val: int, test: int) -> Baseline:
    """Predict the most frequent label of `train` for every text; `val` and `test` are numbers of texts."""
    label = np.bincount(train).argmax()
    return Baseline("majority", None, np.full(val, label), np.full(test, label))


def tf_idf(texts: Sequence[Sequence[str]], train: Labels, val: Labels) -> Baseline:
    """Train on the first of `texts` (train, val, test), choose C on the second, predict the second and third."""
    vectorizer = TfidfVectorizer(sublinear_tf=True, **WORDS)
    inputs = [vectorizer.fit_transform(texts[0]), *(vectorizer.transform(each) for each in texts[1:])]

    def fit(strength: float) -> Predict:
        model = LogisticRegression(C=strength, max_iter=2000).fit(inputs[0], train)
        return lambda x: np.asarray(model.predict(x), dtype=np.int64)

    return best_on_val("TF-IDF", fit, inputs, val)


def nb_svm(texts: Sequence[Sequence[str]], train: Labels, val: Labels) -> Baseline:
    """Train on the first of `texts` (train, val, test), choose C on the second, predict the second and third."""
    vectorizer = CountVectorizer(binary=True, dtype=np.float64, **WORDS)
    inputs = [vectorizer.fit_transform(texts[0]), *(vectorizer.transform(each) for each in texts[1:])]
    classes = range(1, 2) if train.max() < 2 else range(int(train.max()) + 1)  # one class against the rest
    ratios = [log_count_ratio(inputs[0], train == label) for label in classes]

    def fit(strength: float) -> Predict:
        models = [
            LinearSVC(C=strength, max_iter=5000).fit(inputs[0].multiply(ratio).tocsr(), train == label)
            for label, ratio in zip(classes, ratios, strict=True)
        ]

        def predict(x: csr_matrix) -> Labels:
            scores = np.stack(
                [x @ (ratio * weights(m)) + m.intercept_ for m, ratio in zip(models, ratios, strict=True)]
            )
            chosen = scores.argmax(0) if len(scores) > 1 else scores[0] > 0
            return np.asarray(chosen, dtype=np.int64)

        return predict

    return best_on_val("NB-SVM", fit, inputs, val)


def weights(model: LinearSVC) -> NDArray[np.float64]:
    """Return an SVM's weights (V,), interpolated with their mean magnitude."""
    own = model.coef_[0]
    return np.asarray((1 - INTERPOLATION) * np.abs(own).mean() + INTERPOLATION * own)


def log_count_ratio(present: csr_matrix, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the log of how much more frequent each word is in the `chosen` texts than in the others, (V,)."""
    inside, outside = (1 + np.asarray(present[rows].sum(0)).ravel() for rows in (chosen, ~chosen))
    return np.asarray(np.log((inside / inside.sum()) / (outside / outside.sum())))


def best_on_val(name: str, fit: Callable[[float], Predict], inputs: Sequence[Any], val: Labels) -> Baseline:
    """Fit with every C; return the predictions of the most accurate on val, of the smallest C if several tie."""
    found = []
    for strength in STRENGTHS:
        predict = fit(strength)
        answers = predict(inputs[1])
        found.append(((answers == val).mean(), -strength, predict, answers))
    _, strength, predict, answers = max(found, key=lambda each: each[:2])
    return Baseline(name, -strength, answers, predict(inputs[2]))
