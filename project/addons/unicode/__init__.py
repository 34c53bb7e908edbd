"""Tokens for every script, by Unicode's own rules: ``--data.tokenizer=unicode``."""

TOKENIZERS = {"unicode": "project.addons.unicode.unicode_tokenizer:UnicodeTokenizer"}
