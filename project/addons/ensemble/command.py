"""Checkpoints -> one checkpoint that answers with the mean of their probabilities."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from project.addons.ensemble.members import Ensemble
from project.atomic import atomic_write
from project.checkpoint import KEY, PREFIX, ModelState, read_checkpoint
from project.errors import UserError
from project.network import network_state

LIGHTNING = ("pytorch-lightning_version", "epoch", "global_step", "hparams_name", "hyper_parameters")

# What members have in common. The corpus counts, since a val text of one could be a train text of another, and the
# threshold, since one that was chosen for a member is not the mean's.
SHARED = {
    "label_names": "other labels",
    "fingerprint": "another corpus, or other splits of it,",
    "tokenizer": "another vocabulary or tokenizer",
    "threshold": "another threshold",
}


def ensemble(*checkpoints: Path, output: Path) -> None:
    """Write several checkpoints as one, which answers with the mean of their probabilities.

    Args:
        checkpoints: Two or more .ckpt files that fit wrote.
        output: The .ckpt file to write.

    Raises:
        UserError: A checkpoint cannot be read, the checkpoints do not go together, or the output cannot be written.
    """
    check_paths(output, checkpoints)
    members = [read_checkpoint(path) for path in checkpoints]
    check_members({path: member[KEY] for path, member in zip(checkpoints, members, strict=True)})
    with atomic_write(output) as scratch:
        torch.save(combine(members), scratch)
    print(f"ensemble of {len(members)} networks: {output}")


def check_paths(output: Path, checkpoints: Sequence[Path]) -> None:
    """Check what can be checked before a checkpoint is read.

    Raises:
        UserError: There are fewer than two checkpoints, one comes twice, or `output` is not to be written to.
    """
    members = {path.resolve() for path in checkpoints}
    if len(checkpoints) < 2:
        raise UserError(f"an ensemble has at least two members: name two checkpoints, not {len(checkpoints)}")
    if len(members) < len(checkpoints):
        raise UserError("a checkpoint is named twice: an ensemble's members differ")
    if output.suffix != ".ckpt" or output.is_dir():
        raise UserError(f"--output {output} is no checkpoint's name: choose a file that ends in .ckpt")
    if not output.absolute().parent.is_dir():
        raise UserError(f"folder {output.parent} does not exist: make it, or choose another --output")
    if output.resolve() in members:
        raise UserError(f"--output {output} is one of the members, which would be lost: choose another name")


def check_members(states: Mapping[Path, ModelState]) -> None:
    """Check that the networks of several checkpoints can be averaged.

    Raises:
        UserError: One is an ensemble itself, or two differ in what `SHARED` names.
    """
    for path, state in states.items():
        if state["network"]["name"] == Ensemble.__name__:
            raise UserError(f"{path} is an ensemble itself: name its members' checkpoints instead")
    facts = {path: {**state, "threshold": state["decision"]["threshold"]} for path, state in states.items()}
    (first, expected), *others = facts.items()
    for path, found in others:
        for key, what in SHARED.items():
            if found[key] != expected[key]:
                raise UserError(
                    f"{path} has {what} than {first}: "
                    "train the members on one corpus with the same data options, only the seed differing"
                )


def combine(checkpoints: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the checkpoint of the ensemble of `checkpoints`, which must go together.

    It holds no optimizer, loop or callback. What is neither network nor temperature, such as the loss's class weights,
    is the first member's.
    """
    first = checkpoints[0]
    states: list[ModelState] = [checkpoint[KEY] for checkpoint in checkpoints]
    weights = {name: weight for name, weight in first["state_dict"].items() if not name.startswith(PREFIX)}
    for number, checkpoint in enumerate(checkpoints):
        for name, weight in checkpoint["state_dict"].items():
            if name.startswith(PREFIX):
                weights[f"{PREFIX}members.{number}.{name.removeprefix(PREFIX)}"] = weight
    network = network_state(
        Ensemble.__name__,
        {
            "members": [state["network"] for state in states],
            "temperatures": [state["decision"]["temperature"] for state in states],
        },
    )
    decision = states[0]["decision"] | {"temperature": 1.0}
    state: ModelState = {**states[0], "network": network, "decision": decision}
    return {**{key: first[key] for key in LIGHTNING if key in first}, "state_dict": weights, KEY: state}
