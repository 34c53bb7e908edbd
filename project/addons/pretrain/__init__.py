"""Learns from texts without labels: word vectors, or those and the recurrent network as a language model."""

COMMANDS = {
    "pretrain": "project.addons.pretrain.command:pretrain",
    "word2vec": "project.addons.pretrain.word2vec:word2vec",
}
START = {"FILE": "project.addons.pretrain.start:start"}
