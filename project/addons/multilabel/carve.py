"""The labels of rows -> a share of them that has about this share of every label (Sechidis et al. 2011)."""

import numpy as np
from numpy.typing import NDArray

from project.errors import UserError
from project.ingest.splits import SEED, first_rows


def carve(
    members: NDArray[np.float32], units: NDArray[np.int64], labels: NDArray[np.int64], share: float
) -> NDArray[np.bool_]:
    """Choose about `share` of the rows of each label, the same rows every time.

    Args:
        members: Which labels each set has, (sets, C) of 0 and 1.
        units: Of each row, (rows,): rows of one unit stay together. A unit counts for the labels of its first row.
        labels: The set of each row, (rows,); NO_LABEL for one that is only chosen together with others of its unit.
        share: Of the units.

    Returns:
        Which rows are chosen, (rows,).

    Raises:
        UserError: The package that does it is missing.
    """
    try:
        from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit
    except ModuleNotFoundError as error:
        hint = "pip install -e '.[multilabel]', or give a folder with train, val and test"
        raise UserError(f"splitting rows with several labels needs iterative-stratification: {hint}") from error
    first = first_rows(units, labels)
    splitter = MultilabelStratifiedShuffleSplit(n_splits=1, test_size=share, random_state=SEED)
    own = members[labels[first]]
    none = 1 - own.any(1, keepdims=True)  # which is stratified as a label is
    ((_, chosen),) = splitter.split(first, np.hstack([own, none]))
    return np.isin(units, units[first[chosen]])
