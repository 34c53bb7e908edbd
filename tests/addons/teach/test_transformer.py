import pickle

import numpy as np
import pytest
import torch

from project.addons.teach.command import MINILM_NAME
from project.addons.teach.transformer import Transformer
from project.errors import UserError
from tests.conftest import toy_rows

TEXTS = [text for text, _ in toy_rows()]
LABELS = [int(label == "positive") for _, label in toy_rows()]


@pytest.fixture
def teacher(tiny):
    torch.manual_seed(0)
    return Transformer(str(tiny), classes=2, max_length=32)


@pytest.mark.slow
def test_it_can_overfit_a_small_corpus(teacher):
    teacher.fine_tune(TEXTS, LABELS, epochs=12, learning_rate=1e-2, batch_size=8)
    assert (teacher.probabilities(TEXTS).argmax(1) == np.array(LABELS)).mean() == 1.0


def test_probabilities_add_up_to_one(teacher):
    np.testing.assert_allclose(teacher.probabilities(TEXTS).sum(1), 1, rtol=1e-5)


def test_probabilities_are_in_the_order_of_the_texts(teacher):
    reversed_ = teacher.probabilities(TEXTS[::-1])[::-1]
    np.testing.assert_allclose(teacher.probabilities(TEXTS), reversed_, atol=1e-2)  # under autocast to bfloat16


def test_longer_texts_in_the_batch_change_nothing(teacher):
    alone = teacher.probabilities(["A dull film."])
    np.testing.assert_allclose(teacher.probabilities(["A dull film.", "wise " * 20])[:1], alone, atol=1e-2)


def test_only_the_first_word_pieces_are_read(teacher):
    teacher.max_length = 4  # two words between the marks of start and end
    np.testing.assert_array_equal(*(teacher.probabilities([text]) for text in ("warm film", "warm film is dull")))


def test_dropout_is_on_in_training_only(teacher):
    seen = []
    teacher.model.bert.register_forward_hook(lambda module, *_: seen.append(module.training))
    teacher.fine_tune(TEXTS[:8], LABELS[:8], epochs=1, learning_rate=0.0, batch_size=8)
    teacher.probabilities(TEXTS[:8])
    assert seen == [True, False]


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot be loaded"):
        Transformer(str(tmp_path), classes=2, max_length=32)


def test_weights_that_could_run_code_are_refused(tiny, tmp_path):
    for path in tiny.iterdir():
        if path.suffix == ".json":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(print))
    with pytest.raises(UserError, match=r"cannot be loaded.*safetensors"):
        Transformer(str(tmp_path), classes=2, max_length=32)


@pytest.mark.slow
def test_the_pretrained_transformer_learns_from_few_texts():
    torch.manual_seed(0)
    teacher = Transformer(MINILM_NAME, classes=2, max_length=32)
    teacher.fine_tune(TEXTS[:40], LABELS[:40], epochs=8, learning_rate=1e-4, batch_size=8)
    assert (teacher.probabilities(TEXTS[40:]).argmax(1) == np.array(LABELS[40:])).mean() == 1.0
