import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.addons.multilabel.carve import carve
from project.ingest import NO_LABEL

MEMBERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=np.float32)


@pytest.fixture
def labels() -> np.ndarray:
    return np.random.default_rng(0).choice(5, 1000, p=[0.1, 0.3, 0.3, 0.28, 0.02])


def test_the_share_of_every_label_is_kept(labels):
    chosen = carve(MEMBERS, np.arange(1000), labels, 0.1)
    share = MEMBERS[labels[chosen]].sum(0) / MEMBERS[labels].sum(0)
    assert share == pytest.approx([0.1, 0.1, 0.1], abs=0.01)


def test_the_share_of_rows_without_labels_is_kept(labels):
    chosen = carve(MEMBERS, np.arange(1000), labels, 0.1)
    assert (labels[chosen] == 0).sum() / (labels == 0).sum() == pytest.approx(0.1, abs=0.02)


def test_the_same_rows_are_chosen_every_time(labels):
    first, second = (carve(MEMBERS, np.arange(1000), labels, 0.1) for _ in range(2))
    assert (first == second).all()


def test_rows_are_not_taken_from_one_end(labels):
    chosen = np.flatnonzero(carve(MEMBERS, np.arange(1000), labels, 0.1))
    assert 400 < chosen.mean() < 600


@given(st.lists(st.integers(-1, 4), min_size=12, max_size=40), st.integers(1, 12))
def test_rows_of_a_unit_stay_together(found, units):
    labels, unit = np.array(found), np.arange(len(found)) % units
    labels[:2] = 1  # two units that count, at least
    unit[:2] = [0, units]
    chosen = carve(MEMBERS, unit, labels, 0.3)
    assert all(len(set(chosen[unit == each])) == 1 for each in set(unit))


def test_rows_without_a_say_are_chosen_with_their_unit_only():
    labels = np.array([1, 2, NO_LABEL, 1, 2, 1])
    assert not carve(MEMBERS, np.arange(6), labels, 0.5)[2]
