"""Constructor, attributes, state_dict, copies and plain tensors are those of torch's modules."""

import copy
import pickle

import pytest
import torch
from torch import nn

from .twins import KINDS, H, I, assert_twins_agree, error_of, make, pack, states, twins

ALL = sorted(KINDS)
# what torch says once per process about a padded batch
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("batch_first", [False, True])
def test_padded_batch(library, kind, batch_first):
    both = twins(library, kind, I, H, 2, batch_first=batch_first, bidirectional=True)
    assert_twins_agree(both, torch.randn(6, 3, I), None, 0)


@pytest.mark.parametrize("kind", ALL)
def test_padded_batch_with_states(library, kind):
    both = twins(library, kind, bidirectional=True)
    assert_twins_agree(both, torch.randn(6, 3, I), states(both[0], 3), 0)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("batch_first", [False, True])
def test_unbatched(library, kind, batch_first):
    assert_twins_agree(twins(library, kind, batch_first=batch_first), torch.randn(6, I), None, 0)


@pytest.mark.parametrize("kind", ALL)
def test_unbatched_with_states(library, kind):
    both = twins(library, kind)
    assert_twins_agree(both, torch.randn(6, I), states(both[0]), 0)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("shape", [(I,), (2, 2, 2, I), (6, 3, I + 1), (6, I + 1)])
def test_inputs_of_a_wrong_shape_raise_what_torch_raises(library, kind, shape):
    ours, theirs = twins(library, kind)
    assert error_of(ours, torch.zeros(shape)) == error_of(theirs, torch.zeros(shape))


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(("shape", "batch"), [((6, 3, I), (2,)), ((6, 3, I), ()), ((6, I), (1,))])
def test_states_of_a_wrong_shape_raise_what_torch_raises(library, kind, shape, batch):
    ours, theirs = twins(library, kind)
    hx = states(ours, *batch)
    assert error_of(ours, torch.zeros(shape), hx) == error_of(theirs, torch.zeros(shape), hx)


@pytest.mark.parametrize(
    "options",
    [{"hidden_size": 0}, {"hidden_size": 2.0}, {"num_layers": 0}, {"dropout": 2}, {"bias": 1}, {"batch_first": 1}],
)
@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_wrong_arguments_raise_what_torch_raises(library, name, options):
    arguments = {"input_size": I, "hidden_size": H, **options}
    with pytest.raises((ValueError, TypeError)) as theirs:
        getattr(nn, name)(**arguments)
    with pytest.raises(theirs.type) as ours:
        getattr(library, name)(**arguments)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("name", ["GRU", "RNN"])
def test_only_an_lstm_projects(library, name):
    with pytest.raises(ValueError, match="only supported for LSTM"):
        getattr(library, name)(I, H, proj_size=2)


def test_unknown_nonlinearity(library):
    with pytest.raises(ValueError, match="Unknown nonlinearity 'cube'"):
        library.RNN(I, H, nonlinearity="cube")


def test_nonlinearity_is_the_fourth_argument(library):
    assert library.RNN(I, H, 1, "relu").mode == "RNN_RELU"


def test_dropout_with_one_layer_warns(library):
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        library.LSTM(I, H, dropout=0.5)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_is_an_instance_of_torchs_class(library, name):
    assert isinstance(getattr(library, name)(I, H), getattr(nn, name))


@pytest.mark.parametrize("kind", ALL)
def test_repr_is_torchs(library, kind):
    ours, theirs = twins(library, kind, I, H, 2, bidirectional=True, dropout=0.5)
    assert repr(ours) == repr(theirs)


def test_repr_names_a_chosen_path(library):
    assert repr(make(library, "gru", path="padded")) == "GRU(5, 4, path=padded)"


@pytest.mark.parametrize("kind", ALL)
def test_state_dict_has_torchs_names(library, kind):
    ours, theirs = twins(library, kind, I, H, 2, bidirectional=True)
    assert list(ours.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("kind", ALL)
def test_state_dict_of_torch_loads(library, kind):
    ours, theirs = twins(library, kind)
    theirs.reset_parameters()
    ours.load_state_dict(theirs.state_dict())
    assert torch.equal(ours(pack([3, 5]))[0].data, theirs(pack([3, 5]))[0].data)


def test_a_state_dict_with_a_path_is_still_torchs(library):
    assert "path" not in make(library, "lstm", path="padded").state_dict()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda rnn: pickle.loads(pickle.dumps(rnn))])
@pytest.mark.parametrize("kind", ALL)
def test_copies_compute_the_same(library, kind, duplicate):
    rnn = make(library, kind, path="padded", bidirectional=True)
    assert torch.equal(duplicate(rnn)(pack([3, 5]))[0].data, rnn(pack([3, 5]))[0].data)


def test_copies_keep_the_path(library):
    assert pickle.loads(pickle.dumps(make(library, "lstm", path="parallel"))).path == "parallel"


def test_double(library):
    both = twins(library, "lstm", path="parallel", bidirectional=True)
    assert_twins_agree((both[0].double(), both[1].double()), pack([3, 5], torch.float64))


def test_device_and_dtype(library):
    rnn = library.GRU(I, H, device="meta", dtype=torch.float64)
    assert (rnn.weight_hh_l0.device.type, rnn.weight_hh_l0.dtype) == ("meta", torch.float64)


def test_path_is_auto(library):
    assert library.LSTM(I, H).path == "auto"


def test_an_unknown_path_is_refused(library):
    with pytest.raises(ValueError, match="path is 'fast': choose one of auto, packed, padded, parallel"):
        library.LSTM(I, H).path = "fast"


def test_a_refused_path_changes_nothing(library):
    rnn = make(library, "lstm", path="padded")
    with pytest.raises(ValueError, match="choose one of"):
        rnn.path = "fast"
    assert rnn.path == "padded"


def test_denormals_are_flushed_from_the_first_packed_batch_on(library):
    library.LSTM(I, H)(pack([3]))
    torch.set_flush_denormal(True)  # another test may have ended it
    assert (torch.tensor([1e-39]) * 1).item() == 0.0
