"""Tokens that are sub-words: learned from train (``--data.tokenizer=bpe``), or those of a tokenizer.json."""

TOKENIZERS = {
    "bpe": "project.addons.subwords.subword_tokenizer:SubwordTokenizer",
    "FILE.json": "project.addons.subwords.subword_tokenizer:SubwordTokenizer",
    "subwords": "project.addons.subwords.subword_tokenizer:SubwordTokenizer",  # what checkpoints call both
}
