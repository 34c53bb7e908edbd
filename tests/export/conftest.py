"""The bundle of the toy model."""

from pathlib import Path

import pytest

from tests.conftest import run_sentiment


@pytest.fixture(scope="session")
def exported_once(fitted_once: Path, toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of that run's best checkpoint; read-only."""
    folder = tmp_path_factory.mktemp("exported") / "bundle"
    checkpoint = fitted_once / "runs" / "version_0" / "checkpoints" / "best.ckpt"
    assert run_sentiment("export", "--ckpt_path", checkpoint, "--output", folder) == 0
    return folder
