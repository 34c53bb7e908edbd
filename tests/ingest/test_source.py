import pytest

from project.errors import UserError
from project.ingest import file_source, folder_source
from tests.conftest import write_csv

ROWS = [("Warm.", "good")]


def write(folder, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        write_csv(folder / name, ROWS)


def test_file_is_train(tmp_path):
    write(tmp_path, "rows.csv")
    (part,) = file_source("toy", tmp_path / "rows.csv").parts["train"]
    assert [record.columns for record in part.records()] == [{"text": "Warm.", "label": "good"}]


def test_part_is_read_anew_at_every_call(tmp_path):
    write(tmp_path, "rows.csv")
    (part,) = file_source("toy", tmp_path / "rows.csv").parts["train"]
    assert list(part.records()) == list(part.records())


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train.csv", "train"),
        ("training-0.csv", "train"),
        ("val.csv", "val"),
        ("Valid.csv", "val"),
        ("validation.csv", "val"),
        ("dev_2.csv", "val"),
        ("test-00000-of-00001.csv", "test"),
        ("data/test.csv", "test"),
    ],
)
def test_files_of_a_folder_go_to_the_splits_of_their_names(tmp_path, name, split):
    write(tmp_path, name)
    assert list(folder_source("toy", tmp_path).parts) == [split]


@pytest.mark.parametrize("name", ["unsupervised.csv", "unlabelled-1.csv", "unlabeled.csv"])
def test_unlabelled_files(tmp_path, name):
    write(tmp_path, "train.csv", name)
    assert [part.name for part in folder_source("toy", tmp_path).unlabelled] == [str(tmp_path / name)]


def test_other_files_do_not_count(tmp_path):
    write(tmp_path, "train.csv")
    (tmp_path / "test.md").touch()
    assert list(folder_source("toy", tmp_path).parts) == ["train"]


def test_key_follows_content(tmp_path):
    write(tmp_path, "rows.csv")
    first = file_source("toy", tmp_path / "rows.csv").key
    write_csv(tmp_path / "rows.csv", [("Cold.", "bad")])
    assert file_source("toy", tmp_path / "rows.csv").key != first


def test_key_follows_names(tmp_path):
    write(tmp_path, "a.csv", "b.csv")
    assert file_source("toy", tmp_path / "a.csv").key != file_source("toy", tmp_path / "b.csv").key


def test_folder_without_splits_is_refused(tmp_path):
    with pytest.raises(UserError, match="holds no file named after its split"):
        folder_source("toy", tmp_path)


def test_unknown_format_is_refused(tmp_path):
    with pytest.raises(UserError, match="has none of the suffixes"):
        file_source("toy", tmp_path / "notes.txt")


def test_unreadable_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"cannot read .*gone\.csv: No such file"):
        file_source("toy", tmp_path / "gone.csv")
