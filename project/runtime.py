"""What a process that trains or predicts does first: settings that make an LSTM on a CPU several times faster."""

import torch

from project.allocator import prepare_memory
from project.threads import divide_threads


def prepare_process() -> None:
    """Flush denormal floats to zero, prepare the memory, and halve torch's threads.

    - Gradients that vanish through 150 steps or more become denormal, which a CPU computes 10 times slower.
    - For the memory see `prepare_memory`, which the command line calls before all imports.
    - The recurrence computes its two directions side by side: each gets half of the threads. Two threads that share
      one direction wait for each other at every time step, spinning, and a busy neighbour makes both ten times slower.
      Small batches, which are not worth two directions at once, get all threads for each in turn.

    Call it once, before any tensor is computed: the first setting holds for the calling thread and those that it
    starts.
    """
    prepare_memory()
    torch.set_flush_denormal(True)
    divide_threads()
