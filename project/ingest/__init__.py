"""Files -> checked rows -> splits -> cache: what the README of this folder describes."""

from project.ingest.corpus import Corpus, open_corpus
from project.ingest.fetch import Distribution, Member, cache_dir, fetch
from project.ingest.held_out import check_unread, text_key, texts_of, unseen_texts
from project.ingest.output import Row, check_new, check_output, merged, write_rows
from project.ingest.records import SUFFIXES, Record, column_types, is_data_file, label_name, read_records
from project.ingest.rows import NO_LABEL, Example, Rows
from project.ingest.soft_targets import added_columns, shares_of
from project.ingest.source import SPLITS, Part, ReadOptions, Source, Split, file_source, folder_source
from project.ingest.tokens import EncodedCorpus, SplitTokens, encode_corpus

# fmt: off
__all__ = [
    "NO_LABEL", "SPLITS", "SUFFIXES", "Corpus", "Distribution", "EncodedCorpus",
    "Example", "Member", "Part", "ReadOptions", "Record", "Row", "Rows", "Source", "Split", "SplitTokens",
    "added_columns", "cache_dir", "check_new",
    "check_output", "check_unread", "column_types", "encode_corpus", "fetch", "file_source", "folder_source",
    "is_data_file", "label_name", "merged", "open_corpus", "read_records",
    "shares_of", "text_key", "texts_of", "unseen_texts", "write_rows",
]
# fmt: on
