import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.addons.results.paired import holm, mcnemar, wilson


def test_interval_of_eight_in_ten_is_wilsons():
    assert wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-6)


@pytest.mark.parametrize(("right", "bound"), [(0, (0.0, 0.2775)), (10, (0.7225, 1.0))])
def test_interval_stays_between_none_and_all(right, bound):
    assert wilson(right, 10) == pytest.approx(bound, abs=1e-4)


@given(st.integers(0, 60), st.integers(0, 60))
def test_p_is_the_share_of_coin_tosses_that_are_as_uneven(lost, gained):
    tail = sum(math.comb(lost + gained, k) for k in range(min(lost, gained) + 1))
    assert mcnemar(lost, gained) == pytest.approx(min(1.0, 2 * tail / 2 ** (lost + gained)), rel=1e-9)


@pytest.mark.parametrize(("lost", "gained", "p"), [(0, 0, 1.0), (1, 9, 22 / 1024), (3000, 3000, 1.0), (0, 3000, 0.0)])
def test_p_of_few_and_of_many_changes(lost, gained, p):
    assert mcnemar(lost, gained) == pytest.approx(p)


def test_correction_is_holms():
    assert holm([0.04, 0.01, 0.03, 0.9]) == pytest.approx([0.09, 0.04, 0.09, 0.9])
