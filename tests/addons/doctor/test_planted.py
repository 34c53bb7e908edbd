"""Every kind of fault, planted into a line that is known, is found there, and nothing in files without a fault."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.addons.doctor.corpora_with_faults import changed, examine, rows, sentences, write

BASE = 100  # rows without a fault, of which the last is line 101; what is planted begins on line 102


def misread(text: str, encoding: str = "cp1252") -> str:
    return text.encode().decode(encoding)


def copies(folder: Path) -> dict[str, Any]:
    good = rows(BASE)
    one, two, three, four, five = (text for text, _ in good[:5])
    planted = [
        [one, "good"],  # 102: as line 2
        [two.upper(), "bad"],  # 103
        [three.replace(" ", ", ", 3) + "!!", "good"],  # 104
        [four.replace(" ", "   "), "bad"],  # 105
        [f"12 {five} 7", "good"],  # 106
        [good[8][0], "bad"],  # 107: as line 10, which is good
        [good[9][0].title(), "good"],  # 108: as line 11, which is bad
    ]
    return examine(write(folder / "copies.csv", good + planted), val_share=0.0, test_share=0.0)


def apart(folder: Path) -> dict[str, Any]:
    good, long = rows(BASE), sentences(1, seed=5, words=24)[0]
    planted = [
        [long, "bad"],  # 102
        [changed(long, 3, 15), "bad"],  # 103: two words of 24
        [changed(good[5][0], 4), "bad"],  # 104: a word of 12
        [good[6][0] + " lantern", "good"],  # 105: a word more
        [good[7][0].rsplit(" ", 1)[0], "bad"],  # 106: a word less
        ["这部电影非常好看我很喜欢它的故事", "good"],  # 107
        ["这部电影非常好看我很喜欢她的故事", "good"],  # 108: a letter of 16
        [changed(long, 1, 5, 9, 13), "bad"],  # 109: four words of 24 are too many
    ]
    return examine(write(folder / "apart.csv", good + planted), val_share=0.0, test_share=0.0)


def splits(folder: Path) -> dict[str, Any]:
    train, val, test = rows(BASE), rows(20, seed=1), [*rows(20, seed=2), ["quiet " * 3, "rare"]]
    train += [["Only one text of train has this.", "rare"], ["And a second one of this kind, too.", "rare"]]
    val += [[train[0][0], "good"], [train[1][0].upper(), "bad"]]  # 22, 23
    test += [
        [train[2][0], "good"],
        [changed(train[3][0], 2), "bad"],
        [val[0][0], "good"],
        [val[1][0] + "!", "bad"],
    ]  # 23-26
    for name, table in (("train", train), ("val", val), ("test", test)):
        write(folder / "splits" / f"{name}.csv", table)
    return examine(folder / "splits")


def labels(folder: Path) -> dict[str, Any]:
    good = rows(BASE) + [[text, "excellent"] for text in sentences(20, seed=3)]  # to line 121
    good += [[text, "not good"] for text in sentences(20, seed=4)]  # to line 141
    typing = ["Good", "ba d", "not-good", "excelent", "exellcent"]
    planted = [[text, typing[number // 2]] for number, text in enumerate(sentences(10, seed=6))]  # 142, 144, ... 150
    return examine(write(folder / "labels.csv", [*good, *planted, [sentences(1, seed=7)[0], "lonely"]]), min_freq=1)


def bad(folder: Path) -> dict[str, Any]:
    path = write(folder / "bad.csv", rows(BASE))
    planted = [b",good", b"   ,good", b"No label here.,", b"One,column,more", b"One column less", b"Caf\xe9.,good"]
    planted += [b'"A mark without its pair,good', b"A letter\0.,good", b"The label is broken.,g\xe9"]
    with path.open("ab") as file:
        file.writelines(line + b"\r\n" for line in planted)  # from 102
    return examine(path, val_share=0.0, test_share=0.0)


def quoted(folder: Path) -> dict[str, Any]:
    path = write(folder / "quoted.csv", rows(BASE))
    with path.open("a", encoding="utf-8") as file:
        file.write(
            '"Begins here, ' + "".join(f"{text},{label}\n" for text, label in rows(30, seed=8)) + 'and ends.",good\n'
        )
    return examine(path)


DAMAGE = {
    misread("The café was closed."): "UTF-8 that was read",
    misread("It isn\u2019t bad."): "UTF-8 that was read",
    misread("A smile \U0001f600 at last."): "UTF-8 that was read",
    misread("привет мир", "latin-1"): "UTF-8 that was read",
    misread("好的电影", "latin-1"): "UTF-8 that was read",
    "A letter is lost here: na\ufffdve.": "U+FFFD",
    "It isn\x92t bad at all.": "cp1252 that was read",
    "A bell\x07 rings in the street.": "control or invisible",
    "An invisible\u200bspace in between.": "control or invisible",
    "\ufeffA mark at the very begin.": "control or invisible",
    "Fish &amp; chips for dinner.": "entities",
    "It&#39;s the third time today.": "entities",
    "A new line<br>in the middle.": "tags",
    "<p>One paragraph alone.</p>": "tags",
    "Two lines\\nin one line.": "escapes",
    "Caf\\u00e9 in the park.": "escapes",
    "nan": "placeholder",
    "N/A": "placeholder",
    "[deleted]": "placeholder",
    "...": "no letter, digit",
}


def damage(folder: Path) -> dict[str, Any]:
    planted = [[text, ("good", "bad")[number % 2]] for number, text in enumerate(DAMAGE)]
    return examine(write(folder / "damage.csv", rows(400) + planted), val_share=0.0, test_share=0.0)  # from 402


def scripts(folder: Path) -> dict[str, Any]:
    planted = ["这部电影很好看", "とても楽しい映画でした", "หนังเรื่องนี้สนุกมาก"]
    return examine(write(folder / "scripts.csv", rows(BASE) + [[text, "good"] for text in planted]), test_share=0.0)


def columns(folder: Path) -> dict[str, Any]:
    chosen = random.Random(0)
    table = []
    for number, (text, label) in enumerate(rows(BASE)):
        stars = chosen.choice([1, 2] if label == "bad" else [4, 5])
        score = chosen.uniform(-1, 0) if label == "bad" else chosen.uniform(0, 1)
        share = f"{0.9 if label == 'good' else 0.1}"
        shop = f"shop {chosen.randrange(9)}" if label == "good" else f"web {chosen.randrange(9)}"
        noise = [chosen.randrange(5), chosen.random(), f"{chosen.randrange(10**9)}", number]
        table.append([text, label, stars, score, f"all/{label}/{number}.txt", shop, label, share, *noise])
    head = ("text", "label", "stars", "score", "path", "shop", "predicted", "p_good", "any", "random", "key", "row")
    return examine(write(folder / "columns.csv", sorted(table, key=lambda row: row[1]), head))  # type: ignore[arg-type]


def lengths(folder: Path) -> dict[str, Any]:
    write(folder / "lengths" / "train.csv", [[f"{text} {text}", label] for text, label in rows(BASE)])
    write(
        folder / "lengths" / "val.csv",
        [[" ".join(f"{word}ly" for word in text.split()), label] for text, label in rows(20)],
    )
    write(folder / "lengths" / "test.csv", rows(20, seed=1))
    return examine(folder / "lengths", max_length=16, vectors="nowhere.txt")


def one_class(folder: Path) -> dict[str, Any]:
    return examine(write(folder / "one_class.csv", [[text, "good"] for text in sentences(BASE)]))


def uneven(folder: Path) -> dict[str, Any]:
    table = rows(BASE)
    return examine(write(folder / "uneven.csv", [row for row in table if row[1] == "good"] * 1 + table[1:8:2]))


def against(folder: Path) -> dict[str, Any]:
    table = rows(BASE)
    other = [[table[3][0], "good"], [table[4][0].upper(), "bad"], [changed(table[5][0], 1), "good"], *rows(5, seed=9)]
    return examine(
        write(folder / "own.csv", table), str(write(folder / "other.csv", other)), val_share=0.0, test_share=0.0
    )


FILES = (copies, apart, splits, labels, bad, quoted, damage, scripts, columns, lengths, one_class, uneven, against)

# the file, the kind of what is found, a part of its words, and its lines in the order of the splits
FAULTS: list[tuple[Any, str, str, list[int]]] = [
    *((copies, "duplicates", "that repeat an earlier one: ", [line]) for line in (102, 107)),
    *((copies, "duplicates", "except for case, punctuation", [line]) for line in (103, 104, 105, 108)),
    (copies, "duplicates", "except for numbers or", [106]),
    (copies, "contradictions", "another label", [10, 107]),
    (copies, "near contradictions", "another label", [11, 108]),
    *((apart, "duplicates", "except for numbers or a word or two", [line]) for line in (103, 104, 105, 106, 108)),
    (apart, "no spaces", "script without spaces", [107, 108]),
    (splits, "overlap", "of val that are also in train: ", [22]),
    (splits, "overlap", "of test that are also in train: ", [23]),
    (splits, "overlap", "of test that are also in val: ", [25]),
    (splits, "overlap", "of val that are also in train except for case", [23]),
    (splits, "overlap", "of test that are also in train except for numbers or a word or two", [24]),
    (splits, "overlap", "of test that are also in val except for case", [26]),
    (splits, "absent class", "classes that val lacks: 1", []),
    (splits, "uneven classes", "'rare' has 3 texts", []),
    (labels, "labels alike", "'Good' and 'good' differ only in case", [142, 143]),
    (labels, "labels alike", "'ba d' and 'bad' differ only in case, spaces", [144, 145]),
    (labels, "labels alike", "'not-good' and 'not good' differ only in case, spaces", [146, 147]),
    (labels, "labels alike", "'excelent' and 'excellent' differ by a letter", [148, 149]),
    (labels, "labels alike", "'exellcent' and 'excellent' differ by a letter", [150, 151]),
    (labels, "single text", "'lonely'", [152]),
    (labels, "uneven classes", "has 2 texts", []),
    (labels, "absent class", "classes that val lacks: 5", []),
    (bad, "bad rows", "the text is empty", [102, 103]),
    (bad, "bad rows", "the label is missing", [104]),
    (bad, "bad rows", "columns, but the header has", [105, 106]),
    (bad, "bad rows", "the text is not valid UTF-8", [107]),
    (bad, "bad rows", "not valid CSV", [108]),
    (bad, "bad rows", "NUL", [109]),
    (bad, "bad rows", "the label is not valid UTF-8", [110]),
    (quoted, "quotation marks", "one of the marks missing", [102]),
    (quoted, "long texts", "of train that max_length=256", []),
    *((damage, "damaged texts", what, [402 + number]) for number, what in enumerate(DAMAGE.values())),
    *((scripts, "no spaces", "script without spaces", [line]) for line in (102, 103, 104)),
    (columns, "telling column", "'stars'", []),
    (columns, "telling column", "'score'", []),
    (columns, "telling column", "'path'", []),
    (columns, "telling column", "'shop'", []),
    (lengths, "long texts", "of train that max_length=16", []),
    (lengths, "unknown words", "tokens of val", []),
    (lengths, "vocabulary", "nowhere.txt", []),
    (one_class, "vocabulary", "has only the labels ['good']", []),
    (uneven, "uneven classes", "'bad' has 4 texts, 'good' 50", []),
    (against, "overlap", "also in the other corpus: ", [5]),
    (against, "overlap", "also in the other corpus except for case", [6]),
    (against, "overlap", "also in the other corpus except for numbers or a word or two", [7]),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("planted")
    return {make.__name__: make(folder) for make in FILES}


def lines(finding: dict[str, Any]) -> list[int]:
    return [int(each["place"].rsplit(":", 1)[1]) for each in finding["examples"] if ":" in each["place"]]


@pytest.mark.parametrize(("make", "kind", "words", "expected"), FAULTS)
def test_a_planted_fault_is_found_in_its_line(found, make, kind, words, expected):
    facts = found[make.__name__]["findings"]
    assert [
        each for each in facts if each["kind"] == kind and words in each["what"] and set(expected) <= set(lines(each))
    ]


@pytest.mark.parametrize("make", FILES)
def test_nothing_is_found_but_what_was_planted(found, make):
    for finding in found[make.__name__]["findings"]:
        planted = [
            fault
            for fault in FAULTS
            if fault[0] == make and fault[1] == finding["kind"] and fault[2] in finding["what"]
        ]
        assert planted, finding
        assert sorted(lines(finding)) == sorted({line for fault in planted for line in fault[3]})


def test_forty_faults_are_planted():
    assert len(FAULTS) >= 40


@pytest.mark.parametrize("count", [100, 1000])
def test_a_clean_file_is_clean(tmp_path, count):
    facts = examine(write(tmp_path / "clean.csv", rows(count)))
    assert (facts["findings"], facts["verdict"]) == ([], "this corpus looks clean")
