"""Linear classifiers on a corpus: what the network has to beat."""

COMMANDS = {"baselines": "project.addons.baselines.command:baselines"}
