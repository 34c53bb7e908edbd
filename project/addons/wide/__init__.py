"""Adds the logits of a bag of words and word pairs to those of the encoder."""

NETWORKS = {"WideNetwork": "project.addons.wide.ngrams:WideNetwork"}
NODES = {"WideNetwork": "project.addons.wide.ngram_nodes:add_wide_network"}
