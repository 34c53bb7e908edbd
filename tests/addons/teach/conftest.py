"""A transformer of two small layers with random weights, and word pieces learned from the toy corpus."""

from pathlib import Path

import pytest
import torch

from tests.conftest import toy_rows

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the transformer; to be read only."""
    folder = tmp_path_factory.mktemp("tiny")
    words = sorted(
        {word for text, _ in toy_rows() for word in text.lower().replace(".", " .").replace(",", " ,").split()}
    )
    vocabulary = {word: number for number, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words])}
    tokenizer = transformers.BertTokenizer(vocab=vocabulary)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **sizes)
    transformers.BertModel(config).save_pretrained(folder)
    return folder
