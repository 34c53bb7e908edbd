"""What a process that trains or predicts does first: settings that make an LSTM on a CPU several times faster."""

import warnings

import torch

from project.packed_rnn.threads import divide_threads
from project.process import prepare


def prepare_process() -> None:
    """Flush denormal floats to zero, prepare the memory, and halve torch's threads.

    - Gradients that vanish through 150 steps or more become denormal, which a CPU computes 10 times slower.
    - For the memory see `prepare`, which the command line calls before all imports.
    - The recurrence computes its two directions side by side: each gets half of the threads. Two threads that share
      one direction wait for each other at every time step, spinning, and a busy neighbour makes both ten times slower.
      Small batches, which are not worth two directions at once, get all threads for each in turn.

    Call it once, before any tensor is computed: the first setting holds for the calling thread and those that it
    starts.
    """
    prepare()
    torch.set_flush_denormal(True)
    divide_threads()


def ignore_idle_warnings() -> None:
    """Ignore warnings of Lightning's that a user can do nothing about, or should not."""
    # lightning 2.6 asks torch 2.13 in a way that is going out of use
    warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)
    # loading takes far less time than the model, and workers would compete with it for the cores
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # a language model of a corpus without val is trained all the same
    warnings.filterwarnings("ignore", message=".*have no `val_dataloader`.*")
