"""Which path is the fastest for a batch: a table of what was measured."""

from typing import Literal, NamedTuple

Path = Literal["auto", "packed", "padded", "parallel", "fused"]


class Workload(NamedTuple):
    """What the choice depends on."""

    onednn: bool  # whether oneDNN has a kernel for a padded batch: for an LSTM without projection
    equal: bool  # whether all sequences have the same length
    training: bool  # whether there will be a backward pass
    steps: int  # T
    operations: int  # multiplications and additions of one direction of the first layer
    hidden: int  # H
    cpu: bool = True
    fused: bool = False  # whether kernels of our own can run: for most LSTMs on an NVIDIA GPU


class Rule(NamedTuple):
    """A path for every workload that meets all conditions. None stands for any value, a number for at least that.

    The conditions are the fields of `Workload`.
    """

    path: Path
    onednn: bool | None = None
    equal: bool | None = None
    training: bool | None = None
    steps: int = 0
    operations: float = 0
    hidden: int = 0
    cpu: bool = True
    fused: bool | None = None

    def matches(self, workload: Workload) -> bool:
        """Whether `workload` meets all conditions."""
        return (  # written out: this runs in every forward
            self.cpu == workload.cpu
            and (self.fused is None or self.fused == workload.fused)
            and (self.onednn is None or self.onednn == workload.onednn)
            and (self.equal is None or self.equal == workload.equal)
            and (self.training is None or self.training == workload.training)
            and workload.steps >= self.steps
            and workload.operations >= self.operations
            and workload.hidden >= self.hidden
        )


# The first rule that matches holds; those that say "parallel" count only for bidirectional networks, and only if two
# directions can have a core each.
RULES = (
    # Measured with torch 2.11 on an H200: 1.5 (8 steps) to 12 times (8 sequences of 1,000) as fast as packed; padded is
    # slower than fused everywhere, and slower than packed from H = 256.
    Rule("fused", cpu=False, fused=True),
    Rule("packed", cpu=False),
    # Measured with torch 2.13 on 2 cores of an AMD EPYC with AVX-512.
    # Equal lengths: packed is fast itself. In a narrow network, reversing costs as much as two threads save.
    Rule("parallel", onednn=True, equal=True, training=True, steps=100, operations=5e8, hidden=65),
    Rule("parallel", onednn=True, equal=True, training=False, steps=100, operations=1e9),
    Rule("packed", onednn=True, equal=True),
    # Different lengths: packed is faster for a few steps only, unless each has much to compute.
    Rule("parallel", onednn=True, training=True, steps=10, operations=1.2e8),
    Rule("parallel", onednn=True, training=True, operations=2e8),
    Rule("parallel", onednn=True, training=False, steps=10, operations=4e7),
    Rule("parallel", onednn=True, training=False, operations=1.2e8),
    Rule("padded", onednn=True, training=True, steps=10),
    Rule("padded", onednn=True, training=False, steps=21),
    # Without oneDNN, the backward pass is many small operations that threads do not speed up: the only
    # argument against packed is that it is quadratic in T.
    Rule("parallel", onednn=False, training=False, operations=1.5e8),
    Rule("padded", onednn=False, training=True, steps=100),
    Rule("packed"),
)


def fastest_path(workload: Workload, parallel: bool) -> Path:
    """Return the path of the first rule that matches; `parallel` says whether that may be "parallel"."""
    return next(rule.path for rule in RULES if rule.matches(workload) and (parallel or rule.path != "parallel"))
