from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from project.loggers import CSVLogger


def test_runs_that_begin_at_once_have_folders_of_their_own(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        versions = pool.map(lambda _: CSVLogger(tmp_path, name="").version, range(8))
    assert sorted(versions) == list(range(8))


def test_a_run_keeps_its_folder(tmp_path):
    logger = CSVLogger(tmp_path, name="")
    assert (logger.version, logger.version, Path(logger.log_dir).name) == (0, 0, "version_0")
