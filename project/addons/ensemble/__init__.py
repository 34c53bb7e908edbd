"""Combines checkpoints into one that predicts the mean of their probabilities."""

COMMANDS = {"ensemble": "project.addons.ensemble.command:ensemble"}
NETWORKS = {"Ensemble": "project.addons.ensemble.members:Ensemble"}
NODES = {"Ensemble": "project.addons.ensemble.member_nodes:add_ensemble"}
