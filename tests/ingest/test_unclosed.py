"""Quotation marks without their pair."""

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from project.ingest import ReadOptions, read_records
from tests.ingest.folders import load_corpus, texts


def read(tmp_path, content: str):
    (tmp_path / "a.csv").write_bytes(content.encode())
    return list(read_records(tmp_path / "a.csv"))


def test_unclosed_quotation_costs_its_own_row(tmp_path):
    rows = read(tmp_path, 'text,label\n"Warm.,good\nWise.,good\nCold.,bad\n')
    assert [(row.line, row.columns["text"]) for row in rows] == [(2, None), (3, "Wise."), (4, "Cold.")]


def test_its_fault_is_told(tmp_path):
    assert read(tmp_path, 'text,label\n"Warm.,good\nWise.,good\n')[0].fault == "not valid CSV (unexpected end of data)"


def test_quoted_row_after_an_unclosed_one_is_read(tmp_path):
    rows = read(tmp_path, 'text,label\n"Warm.,good\nCold.,bad\n"Wise, so.",good\n')
    assert [row.columns["text"] for row in rows] == [None, "Cold.", "Wise, so."]


def test_quotation_that_another_row_closes_by_chance(tmp_path):
    rows = read(tmp_path, 'text,label,id\n"Warm.,good,1\nCold.,bad,2\nDull.,bad,3\nWise.,good,"\n')
    assert [(row.line, row.columns["id"]) for row in rows] == [(2, None), (3, "2"), (4, "3"), (5, None)]


def test_row_of_several_lines_with_too_many_columns_is_one_bad_row(tmp_path):
    rows = read(tmp_path, 'text,label\n"two\nlines",a,b\nWise.,good\n')
    assert [(row.line, row.fault) for row in rows] == [(2, "3 columns, but the header has 2"), (4, None)]


def test_line_numbers_go_on_after_it(tmp_path):
    rows = read(tmp_path, 'text,label\n"Warm.,good\n"two\nlines",good\nCold.,bad\n')
    assert [(row.line, row.columns["text"]) for row in rows] == [(2, None), (3, "two\nlines"), (5, "Cold.")]


def test_text_with_dozens_of_lines_like_rows_is_noted(tmp_path):
    swallowed = "".join(f"Row {n}.,good\n" for n in range(30))
    (row,) = read(tmp_path, f'text,label\n"Warm.\n{swallowed}",good\n')
    assert row.note == "quotation marks hold many lines that look like rows: is one of the marks missing?"


def test_text_of_dozens_of_other_lines_is_not_noted(tmp_path):
    poem = "a line of it, or two, or so\n" * 30
    (row,) = read(tmp_path, f'text,label\n"{poem}",good\n')
    assert (row.columns["text"], row.note) == (poem, None)


def test_more_than_a_field_may_hold_is_read_again(tmp_path):
    lines = ["x" * 999_998 + ",a\n"] * 12
    rows = read(tmp_path, 'text,label\n"Warm.,good\n' + "".join(lines))
    assert [row.fault is None for row in rows] == [False] + [True] * 12


def test_memory_does_not_grow_after_a_text_of_two_lines(tmp_path):
    many = "".join(f"A text of some length, number {n}.;good\n" for n in range(20_000))
    (tmp_path / "a.csv").write_text(f'text;label\n"two\nlines";good\n{many}')
    tracemalloc.start()
    assert sum(1 for _ in read_records(tmp_path / "a.csv")) == 20_001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


def test_corpus_keeps_the_other_rows(tmp_path):
    (tmp_path / "a.csv").write_text('text,label\nWarm.,good\n"Dull.,bad\nCold.,bad\n')
    corpus = load_corpus(str(tmp_path / "a.csv"), ReadOptions(bad_rows="skip", val_share=0, test_share=0))
    assert texts(corpus, "train") == ["Warm.", "Cold."]


PLAIN = st.text("ab, \r", max_size=5).map(lambda text: text.replace("\r", "").replace(",", "."))
# its second character is none that would close the quotation of a row before: that would be valid CSV
QUOTED = st.text('ab,"\n\r', max_size=5).map(lambda text: '"a{}"'.format(text.replace('"', '""')))
GOOD = st.tuples(PLAIN | QUOTED, st.sampled_from(["good", '"bad"'])).map(",".join)
LINES = st.lists(st.tuples(GOOD, st.booleans()), max_size=8)


@settings(max_examples=50)
@given(LINES)
def test_unclosed_quotations_never_lose_other_rows(tmp_path_factory, lines):
    content = "text,label\n" + "".join(row + "\n" + '"lost,good\n' * unclosed for row, unclosed in lines)
    folder = tmp_path_factory.getbasetemp()
    found = [row.columns for row in read(folder, content) if row.fault is None]
    (folder / "whole.csv").write_bytes(("text,label\n" + "".join(f"{row}\n" for row, _ in lines)).encode())
    assert found == [row.columns for row in read_records(folder / "whole.csv")]
