"""TF-IDF of all texts, labelled or not, in a few dimensions -> a teacher that takes seconds.

Latent semantic analysis (S. Deerwester et al. 1990, *Indexing by Latent Semantic Analysis*): words that occur in the
same texts share dimensions, so that a label says something about words that no labelled text has. It is for a few
hundred labels, and for texts of many words.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from project.addons.teach.command import LSA_NAME
from project.errors import UserError
from project.text import basic_english

DIMENSIONS = 30
STRENGTH = 3.0  # the inverse of the regularization strength, for inputs whose mean square length is 1
SHARPNESS = 3.0  # exponent of the probabilities: regularization keeps them near 1 / C, too close to teach much
FEWEST_TEXTS = 3  # that a word or a pair of words occurs in


class LatentTeacher:
    """Logistic regression in the latent dimensions of the texts that it will label.

    Args:
        texts: The labelled texts.
        labels: Their class indices.
        further: Texts without a label.
        classes: C.

    Raises:
        UserError: The texts have too few words in common, or one label.
    """

    def __init__(self, texts: Sequence[str], labels: Sequence[int], further: Sequence[str], classes: int) -> None:
        if len(set(labels)) < 2:
            raise UserError(f"teacher {LSA_NAME}: all labelled texts of train have the same label; two are needed")
        words = {"tokenizer": basic_english, "token_pattern": None, "lowercase": False, "ngram_range": (1, 2)}
        frequencies = TfidfVectorizer(sublinear_tf=True, min_df=FEWEST_TEXTS, **words)
        self._latent: Pipeline = make_pipeline(frequencies, TruncatedSVD(DIMENSIONS, random_state=0))
        try:
            found = self._latent.fit_transform([*texts, *further])
        except ValueError as error:
            raise UserError(
                f"teacher {LSA_NAME}: of {len(texts) + len(further):,} texts, {FEWEST_TEXTS} or more share fewer than "
                f"{DIMENSIONS} words and pairs of words; name further ones with --texts, or choose another --teacher"
            ) from error
        self._scale = 1 / np.sqrt((found**2).sum(1).mean())
        self._model = LogisticRegression(C=STRENGTH, max_iter=2000).fit(found[: len(texts)] * self._scale, labels)
        self._classes = classes

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the probability of each class, (texts, C); 0 for a class without a labelled text."""
        found = np.zeros((len(texts), self._classes), dtype=np.float32)
        sharp = self._model.predict_proba(self._latent.transform(texts) * self._scale) ** SHARPNESS
        found[:, self._model.classes_] = sharp / sharp.sum(1, keepdims=True)
        return found
