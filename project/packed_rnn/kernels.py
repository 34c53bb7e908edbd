"""The recurrence of an LSTM layer on a GPU, in Triton: all its sequences and both directions in one launch.

A program carries 16 sequences of one direction through all their time steps, for a slice of the hidden units whose
weights stay in its multiprocessor's memory. After every step the programs of the same sequences, a team, wait for each
other. Each sequence takes its own number of steps, the second direction from its own end: there is no padding.

Shape letters: B sequences, N tokens in a packed batch, D directions, H hidden. Of a PackedSequence's layout, `offsets`
(T,) is the first row of each time step; token t of sequence b is row offsets[t] + b. Row N + b of `h` and `c`
(N + B, D, H) holds the state from which sequence b starts. `gates` are (N, D, 4, H), gates in torch's order: input,
forget, cell, output.
"""

import triton
import triton.language as tl

INTERPRETED: bool = triton.knobs.runtime.interpret  # on a CPU, one program after the other


@triton.jit
def tanh(x):
    """Return tanh, which triton.language lacks."""
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit
def take_part(counters, B, D: tl.constexpr, H: tl.constexpr, BLOCK: tl.constexpr, SLICE: tl.constexpr):
    """Return this program's direction, sequences (BLOCK,), hidden units (1, SLICE), and its team's counter.

    Parts are taken in the order in which programs start, so that a team that waits is never one whose other programs
    wait for its multiprocessors.
    """
    number = tl.atomic_add(counters, 1)
    team = number // (H // SLICE)
    units = number % (H // SLICE) * SLICE + tl.arange(0, SLICE)
    return team % D, team // D * BLOCK + tl.arange(0, BLOCK), units[None, :], counters + 1 + team


@triton.jit
def meet(counter, arrivals, TEAM: tl.constexpr):
    """Wait until the team's programs have stored what the others read."""
    tl.debug_barrier()
    if TEAM > 1:
        tl.atomic_add(counter, 1, sem="release")
        while tl.atomic_add(counter, 0, sem="acquire") < arrivals:
            pass
        tl.debug_barrier()


@triton.jit
def rows_of_step(offsets, sequences, lengths, step, direction, N):
    """Return which sequences have a step number `step`, the rows of its tokens, and those of the states before."""
    steps = step + tl.zeros_like(lengths)
    on = (steps >= 0) & (steps < lengths)
    later = on & (steps > 0)
    now = tl.load(offsets + tl.where(direction == 0, steps, lengths - 1 - steps), mask=on, other=0)
    before = tl.load(offsets + tl.where(direction == 0, steps - 1, lengths - steps), mask=later, other=N)
    return on[:, None], (now + sequences).to(tl.int64)[:, None], (before + sequences).to(tl.int64)[:, None]


@triton.jit
def quarters(gates, BLOCK: tl.constexpr, SLICE: tl.constexpr):
    """Split (BLOCK, 4 * SLICE) into the four gates, (BLOCK, SLICE) each."""
    even, odd = tl.split(tl.permute(tl.reshape(gates, (BLOCK, 2, 2, SLICE)), (0, 3, 1, 2)))
    first, third = tl.split(even)
    second, fourth = tl.split(odd)
    return first, second, third, fourth


@triton.jit
def load_four(pointers, stride, mask):
    """Load the four gates, as float32."""
    first = tl.load(pointers, mask=mask, other=0.0).to(tl.float32)
    second = tl.load(pointers + stride, mask=mask, other=0.0).to(tl.float32)
    third = tl.load(pointers + 2 * stride, mask=mask, other=0.0).to(tl.float32)
    return first, second, third, tl.load(pointers + 3 * stride, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def store_four(pointers, stride, first, second, third, fourth, mask):
    """Store the four gates."""
    tl.store(pointers, first, mask=mask)
    tl.store(pointers + stride, second, mask=mask)
    tl.store(pointers + 2 * stride, third, mask=mask)
    tl.store(pointers + 3 * stride, fourth, mask=mask)


@triton.jit(do_not_specialize=["B", "N"], do_not_specialize_on_alignment=["offsets", "lengths"])
def forward_kernel(
    gates, weights, h, c, h_n, c_n, before_rows, offsets, lengths, counters, B, N,
    D: tl.constexpr, H: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr, SLICE: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Fill `h`, `c`, the last states `h_n` and `c_n` (D, B, H), and `before_rows` (D, N), the row before each token's.

    On entry `gates` are the products of the inputs, on return the gates. `weights` are (D, 4, H, H).
    """
    direction, sequences, units, counter = take_part(counters, B, D, H, BLOCK, SLICE)
    length = tl.load(lengths + sequences, mask=sequences < B, other=0)
    each = tl.arange(0, 4 * SLICE)[None, :]
    own = each // SLICE * H + tl.min(units) + each % SLICE  # (1, 4 * SLICE), this slice's units of all gates
    inner = tl.arange(0, WIDE)
    real = inner < H
    gates += direction * 4 * H
    h += direction * H
    c += direction * H + units
    end = (direction * B + sequences)[:, None] * H + units
    w = tl.load(weights + direction * 4 * H * H + own * H + inner[:, None], mask=real[:, None], other=0.0)
    cell = tl.load(c + (N + sequences)[:, None] * (D * H), mask=(length > 0)[:, None], other=0.0)
    on, now, before = rows_of_step(offsets, sequences, length, 0, direction, N)
    x = tl.load(gates + now * (D * 4 * H) + own, mask=on, other=0.0)
    step = 0
    while step < tl.max(length, 0):
        # past the first-level cache, which does not see what other programs store
        h_before = tl.load(
            h + before * (D * H) + inner[None, :], mask=on & real[None, :], other=0.0, cache_modifier=".cg"
        )
        sums = x.to(tl.float32) + tl.dot(h_before, w, input_precision=PRECISION)
        i, f, g, o = quarters(sums, BLOCK, SLICE)
        i, f, g, o = tl.sigmoid(i), tl.sigmoid(f), tanh(g), tl.sigmoid(o)
        cell = tl.where(on, f * cell + i * g, cell)
        hidden = (o * tanh(cell)).to(h.dtype.element_ty)
        tl.store(h + now * (D * H) + units, hidden, mask=on)
        tl.store(c + now * (D * H), cell, mask=on)
        store_four(gates + now * (D * 4 * H) + units, H, i, f, g, o, on)
        tl.store(before_rows + direction * N + now, before, mask=on)
        last = on & (step + 1 == length)[:, None]
        tl.store(h_n + end, hidden, mask=last)
        tl.store(c_n + end, cell, mask=last)
        step += 1
        on, now, before = rows_of_step(offsets, sequences, length, step, direction, N)
        x = tl.load(gates + now * (D * 4 * H) + own, mask=on, other=0.0)  # while the others still compute
        meet(counter, step * (H // SLICE), H // SLICE)


@triton.jit
def load_step(gates, c, d_outputs, on, now, before, D: tl.constexpr, H: tl.constexpr):
    """Load what a backward step needs that does not depend on the step after it."""
    i, f, g, o = load_four(gates + now * (D * 4 * H), H, on)
    cell = tl.load(c + now * (D * H), mask=on, other=0.0)
    cell_before = tl.load(c + before * (D * H), mask=on, other=0.0)
    d_output = tl.load(d_outputs + now * (D * H), mask=on, other=0.0).to(tl.float32)
    return i, f, g, o, tanh(cell), cell_before, d_output


@triton.jit(do_not_specialize=["B", "N"], do_not_specialize_on_alignment=["offsets", "lengths"])
def backward_kernel(
    gates, weights, c, d_outputs, d_h, d_c, d_gates, offsets, lengths, counters, B, N,
    D: tl.constexpr, H: tl.constexpr, WIDE: tl.constexpr, BLOCK: tl.constexpr, SLICE: tl.constexpr,
    PRECISION: tl.constexpr,
):  # fmt: skip
    """Fill `d_gates` (N, D, 4, H), the gradients of the gates' sums.

    On entry `d_h` and `d_c` (D, B, H) are the gradients of the last states, on return those of the initial ones.
    """
    direction, sequences, units, counter = take_part(counters, B, D, H, BLOCK, SLICE)
    length = tl.load(lengths + sequences, mask=sequences < B, other=0)
    inner = tl.arange(0, 4 * WIDE)
    real = inner % WIDE < H
    inner = inner // WIDE * H + inner % WIDE
    gates += direction * 4 * H + units
    d_gates += direction * 4 * H
    c += direction * H + units
    d_outputs += direction * H + units
    end = (direction * B + sequences)[:, None] * H + units
    w = tl.load(weights + direction * 4 * H * H + inner[:, None] * H + units, mask=real[:, None], other=0.0)
    d_hidden = tl.load(d_h + end, mask=(length > 0)[:, None], other=0.0)
    d_cell = tl.load(d_c + end, mask=(length > 0)[:, None], other=0.0)
    steps = tl.max(length, 0)
    step = steps - 1
    on, now, before = rows_of_step(offsets, sequences, length, step, direction, N)
    i, f, g, o, tanh_c, c_before, d_output = load_step(gates, c, d_outputs, on, now, before, D, H)
    while step >= 0:
        d_output += d_hidden
        d_total = d_cell + d_output * o * (1 - tanh_c * tanh_c)
        d_i, d_f, d_g = d_total * g * i * (1 - i), d_total * c_before * f * (1 - f), d_total * i * (1 - g * g)
        d_o = d_output * tanh_c * o * (1 - o)
        row, was_on = d_gates + now * (D * 4 * H), on
        store_four(row + units, H, d_i, d_f, d_g, d_o, on)
        d_cell = tl.where(on, d_total * f, d_cell)
        step -= 1
        on, now, before = rows_of_step(offsets, sequences, length, step, direction, N)
        i, f, g, o, tanh_c, c_before, d_output = load_step(gates, c, d_outputs, on, now, before, D, H)
        meet(counter, (steps - 1 - step) * (H // SLICE), H // SLICE)
        d_all = tl.load(row + inner[None, :], mask=was_on & real[None, :], other=0.0, cache_modifier=".cg")
        d_hidden = tl.where(was_on, tl.dot(d_all, w, input_precision=PRECISION), d_hidden)
    tl.store(d_h + end, d_hidden, mask=(length > 0)[:, None])
    tl.store(d_c + end, d_cell, mask=(length > 0)[:, None])
