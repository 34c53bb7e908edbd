import pytest
import torch
from torch.nn.utils.rnn import PackedSequence

from .twins import make, pack


@pytest.fixture
def two_cores(module, monkeypatch):
    monkeypatch.setattr(module("modules"), "can_run_parallel", lambda: True)


def auto(library, lengths, training, kind="lstm", hidden=32, bidirectional=True):
    with torch.set_grad_enabled(training):
        return make(library, kind, 5, hidden, bidirectional=bidirectional).path_for(pack(lengths))


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("training", [True, False])
def test_a_single_text_is_packed(library, training):
    assert auto(library, [1000], training) == "packed"


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("training", [True, False])
def test_a_small_batch_of_equal_lengths_is_packed(library, training):
    assert auto(library, [50] * 8, training) == "packed"


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("training", [True, False])
def test_a_large_batch_of_different_lengths_runs_in_parallel(library, training):
    assert auto(library, [300] * 63 + [1], training) == "parallel"


@pytest.mark.usefixtures("two_cores")
def test_a_small_batch_of_different_lengths_is_padded(library):
    assert auto(library, [50, 4], True) == "padded"


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("training", [True, False])
def test_a_few_steps_are_packed(library, training):
    assert auto(library, [5, 4], training) == "packed"


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize(("hidden", "path"), [(64, "packed"), (128, "parallel")])
def test_equal_lengths_run_in_parallel_in_a_wide_network(library, hidden, path):
    assert auto(library, [400] * 64, True, hidden=hidden) == path


@pytest.mark.usefixtures("two_cores")
def test_one_direction_has_no_other_to_run_with(library):
    assert auto(library, [300] * 63 + [1], True, bidirectional=False) == "padded"


def test_without_a_second_core_nothing_runs_in_parallel(library, module, monkeypatch):
    monkeypatch.setattr(module("modules"), "can_run_parallel", lambda: False)
    assert auto(library, [300] * 63 + [1], True) == "padded"


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize(("steps", "path"), [(50, "packed"), (200, "padded")])
def test_long_sequences_of_a_gru_train_padded(library, steps, path):
    assert auto(library, [steps, 4], True, "gru") == path


def test_a_chosen_path_is_taken(library):
    assert make(library, "lstm", path="padded").path_for(pack([5, 5])) == "padded"


def test_parallel_is_for_a_cpu(library):
    packed = PackedSequence(torch.empty(2, 5, device="meta"), torch.tensor([2]))
    assert make(library, "lstm", path="parallel").to("meta").path_for(packed) == "padded"


def test_other_devices_have_kernels_of_their_own(library):
    packed = PackedSequence(torch.empty(2, 5, device="meta"), torch.tensor([2]))
    assert make(library, "lstm").to("meta").path_for(packed) == "packed"


def test_the_last_rule_matches_everything(module):
    paths = module("paths")
    assert paths.fastest_path(paths.Workload(False, True, True, 1, 0, 1), parallel=False) == "packed"


@pytest.mark.parametrize(("fused", "path"), [(True, "fused"), (False, "packed")])
def test_on_a_gpu_our_kernels_run_where_there_are_any(module, fused, path):
    paths = module("paths")
    workload = paths.Workload(True, False, True, 400, 1e9, 128, cpu=False, fused=fused)
    assert paths.fastest_path(workload, parallel=True) == path


def test_without_triton_there_are_no_kernels_of_our_own(library, module, monkeypatch):
    monkeypatch.setattr(module("modules"), "triton_for", lambda device: False)
    assert make(library, "lstm", path="fused").path_for(pack([5, 5])) == "packed"


def test_a_rule_compares_numbers_with_at_least(module):
    paths = module("paths")
    rule = paths.Rule("padded", onednn=True, steps=10)
    assert [rule.matches(paths.Workload(True, True, True, steps, 1, 1)) for steps in (9, 10, 11)] == [
        False,
        True,
        True,
    ]
