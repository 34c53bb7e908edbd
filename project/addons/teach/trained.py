"""A checkpoint of this repository, perhaps an ensemble -> a teacher.

Training a student of the same kind on many more texts than the teacher has read is self-training: D. Yarowsky 1995,
*Unsupervised Word Sense Disambiguation Rivaling Supervised Methods*; Q. Xie et al. 2020, *Self-training with Noisy
Student*.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from project.checkpoint import read_checkpoint, restore
from project.errors import UserError
from project.ingest import Corpus
from project.predict import predictor_of

BATCH_TEXTS = 64
STRIDE = 2048  # texts that are sorted by length together; the progress bar moves after each stride


class TrainedTeacher:
    """A trained checkpoint that labels texts for the corpus it was trained on.

    Args:
        path: The checkpoint.
        own: The corpus.

    Raises:
        UserError: It cannot be read, or was trained on another corpus, so that texts in `own`'s val or test could be
            among its training texts.
    """

    def __init__(self, path: Path, own: Corpus) -> None:
        checkpoint = read_checkpoint(path)
        model = restore(checkpoint, path)
        state = model.state
        if (state["fingerprint"], state["label_names"]) != (own.fingerprint, list(own.label_names)):
            raise UserError(
                f"teacher {path} was trained on corpus {state['corpus']}, not on {own.name} with these data options: "
                "texts that it was trained on could be in val or test"
            )
        self._predict = predictor_of(*model[:3])

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the probability of each class, (texts, C)."""
        found: list[list[float]] = []
        with tqdm(total=len(texts), desc="labelling", unit=" texts", disable=None) as bar:
            for start in range(0, len(texts), STRIDE):
                answers = self._predict(texts[start : start + STRIDE], BATCH_TEXTS)
                found += [list(answer.probabilities.values()) for answer in answers]
                bar.update(len(answers))
        return np.array(found, dtype=np.float32)
