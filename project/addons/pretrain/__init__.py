"""Pretrains the word vectors and the recurrent network as a language model, on texts without labels."""

COMMANDS = {"pretrain": "project.addons.pretrain.command:pretrain"}
