"""Linear classifiers as baselines for the network."""

COMMANDS = {"baselines": "project.addons.baselines.command:baselines"}
