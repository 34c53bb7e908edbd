"""A file of word vectors in the text format of GloVe or fastText -> words and a matrix."""

import gzip
import zipfile
import zlib
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np
import torch
from numpy.typing import NDArray

from project.errors import UserError
from project.ingest.records import LONGEST, bounded
from project.pretrained import Pretrained


def load_file(source: str) -> Pretrained:
    """Load a file by its path: .txt, .vec, .gz, .zip, or ARCHIVE.zip/MEMBER.

    Raises:
        UserError: There is no such file, or it is not in the format.
    """
    path, _, member = source.partition(".zip/")
    path = f"{path}.zip" if member else path
    if not Path(path).is_file():
        raise UserError(f"vectors {source!r} are neither a built-in name nor a file (.txt, .vec, .gz, .zip or .pt)")
    words, matrix = read_word_vectors(Path(path), member)
    return Pretrained(Path(path), words, torch.from_numpy(matrix))


def read_word_vectors(path: Path, member: str = "") -> tuple[list[str], NDArray[np.float32]]:
    """Read ``word number number ...`` lines, with fastText's ``count dim`` header or without (GloVe).

    Words may contain spaces (some of glove.840B do): the last E fields are the vector. If a word comes twice, its first
    vector counts.

    Args:
        path: Plain, .gz or .zip.
        member: File of a .zip archive; its smallest vector file if empty.

    Returns:
        W words, and their vectors, (W, E).

    Raises:
        UserError: A line cannot be read (the message names file and line) or the file is empty.
    """
    vectors: dict[str, NDArray[np.float32]] = {}
    number, dim = 0, 0
    try:
        with _opened(path, member) as file:
            for number, raw in enumerate(bounded(path, iter(partial(file.readline, LONGEST), b"")), start=1):
                fields = raw.decode("utf-8").rstrip("\r\n ").split(" ")
                if number == 1 and len(fields) == 2:
                    dim = int(fields[1])
                    continue
                dim = dim or len(fields) - 1
                vector = np.array(fields[-dim:], dtype=np.float32)
                if len(vector) != dim or dim < 1 or not np.isfinite(vector).all():
                    raise ValueError("the wrong number of them, or infinite ones")
                vectors.setdefault(" ".join(fields[:-dim]), vector)
    except (OSError, EOFError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        wanted = f"expected a word and {dim} numbers; is this GloVe's or fastText's text format?"
        raise UserError(f"cannot read vectors from {path}:{number}: {wanted} ({error!s:.100})") from error
    if not vectors:
        raise UserError(f"{path} has no vectors: each line should be a word and its numbers")
    return list(vectors), np.stack(list(vectors.values()))


def _opened(path: Path, member: str) -> IO[bytes] | gzip.GzipFile:
    if path.suffix != ".zip":
        return gzip.open(path) if path.suffix == ".gz" else path.open("rb")
    with zipfile.ZipFile(path) as archive:  # its file stays open until the member is closed
        infos = {info.filename: info for info in archive.infolist() if info.filename.endswith((".txt", ".vec"))}
        if not infos or (member and member not in infos):
            raise UserError(f"{path} has no {member or 'vector file'}, only {', '.join(archive.namelist()[:6])}")
        name = member or min(infos, key=lambda each: infos[each].file_size)
        if len(infos) > 1:
            print(f"vectors: {name}, one of {len(infos)} in {path}; to choose: --data.vectors {path}/{name}")
        return archive.open(name)
