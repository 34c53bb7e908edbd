"""Texts without labels -> a language model -> a file of word vectors and recurrent weights to start from."""

import math
import random
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning import seed_everything as set_seed
from lightning.pytorch.callbacks import Callback
from torch import nn

from project.addons.pretrain.file import save_pretrained
from project.addons.pretrain.language_model import LanguageModel
from project.addons.pretrain.pieces import Pieces, loader
from project.addons.pretrain.start import start_from
from project.addons.pretrain.texts import readable_texts
from project.classifier import SentimentClassifier
from project.corpora import load_corpus
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest import Corpus, check_new
from project.pretrained import read_pretrained
from project.trainer import plain_trainer

VAL_TEXTS = 200  # enough for a perplexity accurate to a few percent
WARMUP = 0.05  # of all optimizer steps
PART = "encoder.rnn."  # prefix of the recurrent weights' names


def pretrain(
    data: SentimentDataModule,
    model: SentimentClassifier,
    output: Path,
    start: Path | None = None,
    held_out: str | None = None,
    unlabelled: bool = True,
    epochs: int = 3,
    learning_rate: float = 3e-3,
    samples: int = 1000,
    seed_everything: int = 42,
) -> None:
    """Pretrain the word vectors and the recurrent network as a language model, on texts without labels.

    It reads train and the unlabelled texts. Both `fit` and another pretraining can start from the file: the latter on
    texts that are closer to the task (Gururangan et al. 2020, Don't Stop Pretraining).

    Args:
        output: The .pt file to write.
        start: File of an earlier pretraining to continue from.
        held_out: Another corpus whose val and test texts are also left out.
        unlabelled: Whether to read unlabelled texts too.
        epochs: Number of passes over the texts.
        learning_rate: Peak learning rate.
        samples: Number of other tokens, drawn at random, that the correct one is compared with.
        seed_everything: Random seed.

    Raises:
        UserError: The corpus or the model cannot be used, or the file cannot be written.
    """
    for name, value in (("epochs", epochs), ("samples", samples)):
        if value < 1:
            raise UserError(f"{name} is {value}: set --{name}=1 or more")
    if output.suffix != ".pt":
        raise UserError(f"--output {output} should end in .pt")
    check_new(output, "file, or remove it")
    check_network(model)
    set_seed(seed_everything, verbose=False)
    read: set[int] = set()
    network = build(data, model, start, read)
    assert data.tokenizer is not None
    train = Pieces(
        readable_texts([data.corpus], read, unlabelled, load_corpus(held_out) if held_out else None), data.tokenizer
    )
    if not len(train):
        raise UserError(f"corpus {data.corpus.name} has no text of at least two tokens: there is nothing to predict")
    print(f"training a language model on {len(train):,} pieces of text, {len(train.ids):,} tokens", flush=True)
    val = Pieces(val_texts(data.corpus), data.tokenizer)
    counts = torch.bincount(train.ids, minlength=len(data.tokenizer))
    language_model = LanguageModel(network, counts, samples, learning_rate, WARMUP)
    batches = loader(train, data.batch_size, shuffle=True, seed=seed_everything)
    most = data.batch_size * (8 if torch.cuda.is_available() else 1)  # those of train decide what is learned
    val_batches = loader(val, most, shuffle=False) if len(val) else None
    facts = {"corpus": data.corpus.name, "fingerprint": data.corpus.fingerprint}
    each_epoch = EachEpoch(output, network, data.tokenizer.tokens, read, facts)
    plain_trainer(epochs, each_epoch).fit(language_model, batches, val_batches)
    print(f"written: {output}; to start from it: fit --data.vectors={output} --model.init_from={output}")


class EachEpoch(Callback):
    """Saves the file after each epoch, so that an interrupted run keeps its progress, and prints the perplexity.

    Args:
        path: The file to write.
        network: The network that is being trained.
        words: Its vocabulary.
        read: Keys of the texts that it reads.
        facts: What else to save about the run.
    """

    def __init__(self, path: Path, network: nn.Module, words: list[str], read: set[int], facts: dict[str, Any]) -> None:
        self.path, self.network, self.words, self.read, self.facts = path, network, words, read, facts

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Save the weights; print the perplexity if there is a val split."""
        epochs = trainer.current_epoch + 1
        facts = self.facts | {"epochs": epochs}
        if "val/loss" in trainer.callback_metrics:
            facts["perplexity"] = math.exp(float(trainer.callback_metrics["val/loss"]))
            print(f"\nafter {epochs} of {trainer.max_epochs} epochs: perplexity {facts['perplexity']:.1f} on val")
        weights = {name: w for name, w in self.network.state_dict().items() if name.startswith(PART)}
        vectors = self.network.get_submodule("embedding").table().detach()  # type: ignore[operator]
        save_pretrained(self.path, self.words, vectors, self.read, weights, facts)


def build(data: SentimentDataModule, model: SentimentClassifier, start: Path | None, read: set[int]) -> nn.Module:
    """Return the configured network, with the weights of `start` if given; its text keys are added to `read`."""
    data.prepare_data()
    data.setup("fit")
    model.build_for(data.facts())
    if start is not None:
        pretrained = read_pretrained(start)
        assert data.tokenizer is not None
        print(f"started from {start}: {start_from(pretrained, model.network, data.tokenizer.tokens)}")
        read |= set(pretrained.read.tolist())
    if getattr(getattr(model.network, "encoder", None), "rnn", None) is None:
        raise UserError("the network's encoder has no recurrent network `rnn`: there is nothing to pretrain")
    return model.network


def check_network(model: SentimentClassifier) -> None:
    """Check that no state has seen the token that it has to predict.

    Raises:
        UserError: There are several bidirectional layers: above the first, each direction reads both of those below.
    """
    options = model.hparams["encoder"]["init_args"]
    layers = options.get("num_layers", 1)
    if layers > 1 and options.get("bidirectional", True):
        raise UserError(
            f"num_layers is {layers}: above the first layer both directions have seen the whole text, "
            "so there is nothing left to predict; set --model.encoder.num_layers=1, or "
            "--model.encoder.bidirectional=false"
        )


def val_texts(corpus: Corpus) -> list[str]:
    """Return up to `VAL_TEXTS` texts of val, drawn at random; none if there is no val."""
    if "val" not in corpus.splits:
        return []
    rows = random.Random(0).sample(range(len(corpus.splits["val"])), min(VAL_TEXTS, len(corpus.splits["val"])))
    return [corpus.splits["val"][row].text for row in rows]
