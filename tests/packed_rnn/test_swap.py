import pytest
import torch
from torch import nn

from .twins import KINDS, H, I, pack


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.reader = nn.LSTM(I, H, bidirectional=True)
        self.rest = nn.Sequential(nn.Linear(2 * H, I), nn.GRU(I, H), nn.RNN(I, H))


class OwnLSTM(nn.LSTM):
    pass


def test_says_what_it_swapped(library):
    assert library.accelerate(Tagger()) == ["reader", "rest.1", "rest.2"]


def test_swaps_classes(library):
    model = Tagger()
    library.accelerate(model)
    swapped = [model.reader, model.rest[1], model.rest[2]]
    assert [type(each) for each in swapped] == [library.LSTM, library.GRU, library.RNN]


def test_a_second_time_there_is_nothing_to_swap(library):
    model = Tagger()
    library.accelerate(model)
    assert library.accelerate(model) == []


def test_the_root_itself(library):
    model = nn.GRU(I, H)
    assert library.accelerate(model) == [""]
    assert type(model) is library.GRU


def test_subclasses_are_left_alone(library):
    assert library.accelerate(nn.Sequential(OwnLSTM(I, H))) == []


def test_the_module_stays_the_same_object(library):
    model = Tagger()
    before = [model.reader, *model.parameters()]
    library.accelerate(model)
    assert all(one is other for one, other in zip(before, [model.reader, *model.parameters()], strict=True))


def test_the_training_flag_stays(library):
    model = Tagger().eval()
    library.accelerate(model)
    assert not model.reader.training


def test_hooks_stay(library):
    model, seen = Tagger(), []
    model.reader.register_forward_hook(lambda *_: seen.append("called"))
    library.accelerate(model)
    model.reader(pack([3, 5]))
    assert seen == ["called"]


def test_device_and_dtype_stay(library):
    model = nn.Sequential(nn.LSTM(I, H, device="meta", dtype=torch.float64))
    library.accelerate(model)
    assert (model[0].weight_ih_l0.device.type, model[0].weight_ih_l0.dtype) == ("meta", torch.float64)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_results_stay(library, kind):
    name, options = KINDS[kind]
    model = getattr(nn, name)(I, H, bidirectional=True, **options)
    before = model(pack([3, 12, 5]))[0].data
    library.accelerate(model)
    model.path = "padded"
    torch.testing.assert_close(model(pack([3, 12, 5]))[0].data, before)
