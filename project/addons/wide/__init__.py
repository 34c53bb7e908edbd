"""A bag of words and word pairs beside the encoder, whose logits add to its own."""

NETWORKS = {"WideNetwork": "project.addons.wide.ngrams:WideNetwork"}
NODES = {"WideNetwork": "project.addons.wide.nodes:add_wide_network"}
