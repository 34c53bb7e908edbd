"""Trains word vectors on a corpus's own texts."""

COMMANDS = {"word2vec": "project.addons.word2vec.command:word2vec"}
