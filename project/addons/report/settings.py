"""The configuration of a run -> what differs from the defaults."""

import inspect
import shlex
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import lightning as L
import yaml

from project.classifier import SentimentClassifier
from project.datamodule import SentimentDataModule
from project.encoder import encoder_class
from project.ingest import ReadOptions
from project.registry import default_config

Change = tuple[str, Any, Any]  # name of an option, value, default


def reading(corpus: str, changes: list[Change]) -> str:
    """Return the options with which other commands read the same corpus."""
    own = {f"data.{each.name}" for each in fields(ReadOptions)}
    options = [f"--{name}={value}" for name, value, _ in changes if name in own]
    return shlex.join([f"--data.corpus={corpus}", *options])


def changed(config: Mapping[str, Any]) -> list[Change]:
    """Return the options of a configuration that differ from the defaults."""
    if not config:
        return []
    defaults = flat({"trainer": arguments(L.Trainer), "data": arguments(SentimentDataModule)})
    defaults |= flat({"model": arguments(SentimentClassifier)})
    defaults |= flat(yaml.safe_load(Path(default_config()).read_text(encoding="utf-8")))
    encoder: Any = config.get("model", {}).get("encoder") or {}
    if "class_path" in encoder:
        defaults["model.encoder.class_path"] = "project.encoder.BiLSTMEncoder"
        defaults |= flat({"model": {"encoder": {"init_args": arguments(encoder_class(encoder))}}})
    parts = {"seed_everything", "data", "model", "trainer", "optimizer"} & config.keys()
    own = flat({part: config[part] for part in sorted(parts)})
    own = {name: value for name, value in own.items() if not name.startswith(("trainer.callbacks", "trainer.logger"))}
    found = [(name, value, defaults.get(name)) for name, value in own.items() if name != "data.seed"]
    return [(name.replace(".init_args", ""), value, old) for name, value, old in found if str(value) != str(old)]


def arguments(kind: type) -> dict[str, Any]:
    """Return the defaults of a class's own arguments."""
    found = inspect.signature(kind).parameters.values()
    return {each.name: each.default for each in found if each.default is not each.empty}


def flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested dictionaries as one, with names like data.corpus."""
    found: dict[str, Any] = {}
    for name, value in nested.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found
