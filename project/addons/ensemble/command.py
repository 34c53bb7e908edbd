"""Checkpoints -> one checkpoint that predicts the mean of their probabilities."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from project.addons.ensemble.members import Ensemble
from project.checkpoint import KEY, PREFIX, ModelState, read_checkpoint, restore, save_plain
from project.errors import UserError
from project.ingest import check_new
from project.network import network_state

LIGHTNING = (
    *("pytorch-lightning_version", "epoch", "global_step", "hparams_name", "hyper_parameters"),
    *("datamodule_hparams_name", "datamodule_hyper_parameters"),
)

# What must be the same in all members. The corpus, because a val text of one could be a train text of another; the
# thresholds, because those that were chosen for a single member do not suit the mean.
SHARED = {
    "label_names": "labels",
    "labels": "numbers of labels per text, one or any",
    "fingerprint": "corpora or splits",
    "tokenizer": "vocabularies or tokenizers",
    "thresholds": "thresholds",
    "abstain_below": "probabilities to abstain below",
}


def ensemble(*checkpoints: Path, output: Path, overwrite: bool = False) -> None:
    """Combine checkpoints into one that predicts the mean of their probabilities.

    Args:
        checkpoints: Two or more .ckpt files that fit wrote.
        output: The .ckpt file to write.
        overwrite: Whether an existing file is replaced.

    Raises:
        UserError: A checkpoint cannot be read, the checkpoints are incompatible, or the output cannot be written.
    """
    check_paths(output, checkpoints, overwrite)
    members = [read_checkpoint(path) for path in checkpoints]
    for path, member in zip(checkpoints, members, strict=True):
        restore(member, path)  # raises if it cannot be used
    check_members({path: member[KEY] for path, member in zip(checkpoints, members, strict=True)})
    save_plain(combine(members), output)
    print(f"ensemble of {len(members)} networks: {output}")


def check_paths(output: Path, checkpoints: Sequence[Path], overwrite: bool) -> None:
    """Check the paths before any checkpoint is read.

    Raises:
        UserError: There are fewer than two checkpoints, one is named twice, or `output` cannot be written.
    """
    members = {path.resolve() for path in checkpoints}
    if len(checkpoints) < 2:
        raise UserError(f"an ensemble needs at least two checkpoints, not {len(checkpoints)}")
    if len(members) < len(checkpoints):
        raise UserError("a checkpoint is named twice: the members must be different checkpoints")
    if output.suffix != ".ckpt" or output.is_dir():
        raise UserError(f"--output {output} is not the name of a checkpoint: choose a file that ends in .ckpt")
    if output.resolve() in members:
        raise UserError(f"--output {output} would overwrite one of the members: choose another name")
    check_new(output, "name, or add --overwrite", overwrite)


def check_members(states: Mapping[Path, ModelState]) -> None:
    """Check that the networks of several checkpoints can be averaged.

    Raises:
        UserError: One is an ensemble itself, or two differ in one of the things in `SHARED`.
    """
    for path, state in states.items():
        if state["network"]["name"] == Ensemble.__name__:
            raise UserError(f"{path} is itself an ensemble: name the checkpoints of its members instead")
    facts = {path: {"labels": "one", **state, **state["decision"]} for path, state in states.items()}
    (first, expected), *others = facts.items()
    for path, found in others:
        for key, what in SHARED.items():
            if found[key] != expected[key]:
                raise UserError(
                    f"{path} and {first} have different {what}: "
                    "train all members on the same corpus with the same data options, changing only the seed"
                )


def combine(checkpoints: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the ensemble of `checkpoints`, which must be compatible, as a checkpoint.

    It has no state of an optimizer, loop or callback. Everything except the networks and temperatures, such as the
    loss's class weights, comes from the first member.
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
            "labels": states[0]["decision"].get("labels", "one"),
        },
    )
    decision = states[0]["decision"] | {"temperature": 1.0}
    state: ModelState = {**states[0], "network": network, "decision": decision}
    return {**{key: first[key] for key in LIGHTNING if key in first}, "state_dict": weights, KEY: state}
