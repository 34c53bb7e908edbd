"""How long real texts are, in tokens, so that a measurement needs no corpus."""

# fmt: off
# percentiles 0, 2, ..., 100 of the 25,000 training reviews of IMDB
IMDB = [
    11, 57, 69, 82, 93, 105, 116, 124, 130, 135, 139, 142, 146, 149, 152, 156, 160, 163, 167, 172, 176, 181, 186,
    191, 196, 202, 209, 215, 222, 230, 239, 248, 258, 268, 280, 292, 305, 320, 338, 356, 374, 397, 421, 453, 487,
    530, 578, 650, 747, 906, 2752,
]
# 64 training sentences of movies, drawn at random
MOVIES = [
    4, 4, 6, 8, 10, 10, 11, 13, 13, 14, 14, 14, 14, 15, 15, 17, 17, 17, 17, 18, 19, 19, 20, 21, 21, 21, 21, 21, 21,
    23, 23, 24, 24, 24, 25, 25, 26, 26, 27, 27, 27, 28, 29, 30, 30, 31, 31, 31, 32, 33, 33, 33, 33, 34, 36, 37, 37,
    37, 38, 42, 42, 44, 44, 45,
]
# fmt: on


def reviews(count: int, longest: int) -> list[int]:
    """Return the lengths of `count` reviews spread evenly over IMDB's, cut to `longest`."""
    steps = [(i + 0.5) / count * (len(IMDB) - 1) for i in range(count)]
    between = [IMDB[int(s)] + (s - int(s)) * (IMDB[int(s) + 1] - IMDB[int(s)]) for s in steps]
    return [min(round(length), longest) for length in between]


def bucket(count: int, longest: int) -> list[int]:
    """Return `count` lengths from 95 to 100 % of `longest`, as a length bucket holds them."""
    return [max(1, round(longest * (0.95 + 0.05 * (i + 1) / count))) for i in range(count)]


def mixed(count: int, longest: int) -> list[int]:
    """Return `count` lengths spread evenly from a fifth of `longest` to all of it."""
    return [max(1, round(longest * (0.2 + 0.8 * (i + 1) / count))) for i in range(count)]
