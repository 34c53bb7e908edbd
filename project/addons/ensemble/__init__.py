"""Several checkpoints as one, whose class probabilities are the mean of theirs."""

COMMANDS = {"ensemble": "project.addons.ensemble.command:ensemble"}
NETWORKS = {"Ensemble": "project.addons.ensemble.members:Ensemble"}
NODES = {"Ensemble": "project.addons.ensemble.nodes:add_ensemble"}
