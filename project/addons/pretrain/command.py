"""``sentiment pretrain``: trains the word vectors and the recurrent network of a configuration as a language model.

It reads the texts of train and the unlabelled ones, without labels; `fit` starts from what it writes:
``--model.pretrained FILE``. So does another pretraining, ``--start FILE``, on texts nearer to those that count:
S. Gururangan et al. 2020, *Don't Stop Pretraining*.
"""

import math
import random
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning import seed_everything
from lightning.pytorch.callbacks import Callback

from project.addons.pretrain.language_model import LanguageModel
from project.addons.pretrain.pieces import Pieces, loader
from project.atomic import check_new
from project.classifier import SentimentClassifier
from project.configuration import VOCABULARY, corpus_parser, refuse_idle
from project.corpora import load_corpus
from project.datamodule import SentimentDataModule
from project.errors import UserError
from project.ingest.held_out import text_key, texts_without_labels, unseen_texts
from project.network import SentimentNetwork
from project.pretrained import load_pretrained, read_pretrained, save_pretrained, vocabulary_of
from project.runtime import ignore_idle_warnings, prepare_process
from project.text import TokenizerState
from project.trainer import plain_trainer

VAL_TEXTS = 200  # enough for a perplexity that holds within some percent
WARMUP = 0.05  # of all optimizer steps


class EachEpoch(Callback):
    """Writes the file after each epoch, so that a run that is stopped leaves what it had, and prints the perplexity.

    Args:
        path: Its place.
        network: What is trained.
        tokenizer: What the token ids mean.
        read: Keys of the texts that it reads.
        facts: What is known of the run.
    """

    def __init__(
        self, path: Path, network: SentimentNetwork, tokenizer: TokenizerState, read: set[int], facts: dict[str, Any]
    ) -> None:
        self.path, self.network, self.tokenizer, self.read, self.facts = path, network, tokenizer, read, facts

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write and print."""
        epochs = trainer.current_epoch + 1
        facts = self.facts | {"epochs": epochs}
        if "val/loss" in trainer.callback_metrics:
            facts["perplexity"] = math.exp(float(trainer.callback_metrics["val/loss"]))
            print(f"\nafter {epochs} of {trainer.max_epochs} epochs: perplexity {facts['perplexity']:.1f} on val")
        save_pretrained(self.path, self.network, self.tokenizer, self.read, facts)


def run() -> None:
    """Write the file that the command line asks for.

    Raises:
        UserError: The corpus or the model cannot be used, or the file cannot be written.
    """
    arguments = parse(sys.argv[2:])
    check_new(arguments.output, "file")
    check_network(arguments.model.hparams)
    prepare_process()
    ignore_idle_warnings()
    seed_everything(arguments.seed_everything, verbose=False)
    data = arguments.data
    read: set[int] = set()
    begun = read_pretrained(arguments.start) if arguments.start is not None else None
    if begun is not None:
        refuse_idle(VOCABULARY, "pretrained file")
        data.start_from(*vocabulary_of(begun))
        read |= set(begun.content["read"].tolist())
    data.prepare_data()
    data.setup("fit")
    network = arguments.model.build_for(data)
    if begun is not None:
        load_pretrained(begun, network, data.tokenizer.state())
    train = Pieces(noting(texts_for(data, arguments.held_out), read), data.tokenizer)
    if not len(train):
        raise UserError(f"corpus {data.corpus.name} has no text of two tokens: there is nothing to guess")
    val = Pieces(_val_texts(data.corpus), data.tokenizer)
    print(f"a language model of {len(train):,} pieces, {len(train.ids):,} tokens", flush=True)
    counts = torch.bincount(train.ids, minlength=len(data.tokenizer))
    model = LanguageModel(network, counts, arguments.samples, arguments.learning_rate, WARMUP)
    facts = {"command": sys.argv[1:], "corpus": data.corpus.name, "fingerprint": data.corpus.fingerprint}
    batches = loader(train, data.batch_size, shuffle=True, seed=arguments.seed_everything or 0)
    val_batches = loader(val, data.batch_size, shuffle=False) if len(val) else None
    each_epoch = EachEpoch(arguments.output, network, data.tokenizer.state(), read, facts)
    plain_trainer(arguments.epochs, each_epoch).fit(model, batches, val_batches)
    print(f"written: {arguments.output}; to start from it: fit --model.pretrained={arguments.output}")


def texts_for(data: SentimentDataModule, held_out: str | None) -> Iterator[str]:
    """Yield the texts of the corpus that may be read, but for those in val and test of corpus `held_out` too."""

    def own() -> Iterator[str]:
        return texts_without_labels([data.corpus], data.unlabelled)

    if held_out is None:
        return own()
    other = load_corpus(held_out)
    return unseen_texts(other, own, other.source.phrases or data.corpus.source.phrases)


def noting(texts: Iterable[str], keys: set[int]) -> Iterator[str]:
    """Yield `texts`, adding their keys to `keys`."""
    for text in texts:
        keys.add(text_key(text))
        yield text


def parse(words: list[str]) -> Any:
    """Read the options, and corpus and model as `fit` does.

    Raises:
        UserError: They cannot be read.
    """
    parser = corpus_parser("pretrain", str(__doc__), idle=["trainer"])
    parser.add_class_arguments(SentimentClassifier, "model")
    parser.link_arguments("model.embedding_dim", "data.vectors_dim")
    parser.add_argument("--output", type=Path, required=True, help="file to write")
    parser.add_argument("--start", type=Path | None, default=None, help="file of an earlier pretraining to go on from")
    parser.add_argument(
        "--held_out", type=str | None, default=None, help="another corpus, whose val and test are left out too"
    )
    parser.add_argument("--epochs", type=int, default=3, help="how often the texts are read")
    parser.add_argument("--learning_rate", type=float, default=3e-3, help="the highest")
    parser.add_argument("--samples", type=int, default=1000, help="tokens that the right one is compared with")
    arguments = parser.instantiate_classes(parser.parse_args(words))
    for name in ("epochs", "samples"):
        if arguments[name] < 1:
            raise UserError(f"{name} is {arguments[name]}: set --{name}=1 or more")
    return arguments


def check_network(settings: Mapping[str, Any]) -> None:
    """Check that no state has seen the token that it is to guess.

    Args:
        settings: Of the model.

    Raises:
        UserError: Both directions of a lower layer feed each direction of the next one.
    """
    if settings["num_layers"] > 1 and settings["bidirectional"]:
        raise UserError(
            f"num_layers is {settings['num_layers']}: above the first layer both directions have seen the whole text, "
            "and nothing is left to guess; set --model.num_layers=1, or --model.bidirectional=false"
        )


def _val_texts(corpus: Any) -> list[str]:
    """Return some texts of val, none where there is no val."""
    if "val" not in corpus.splits:
        return []
    rows = random.Random(0).sample(range(len(corpus.splits["val"])), min(VAL_TEXTS, len(corpus.splits["val"])))
    return [corpus.splits["val"][row].text for row in rows]
