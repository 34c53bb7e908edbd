"""Writes results.json after a test, collects those of all runs into one page, compares models on the same texts."""

CALLBACKS = {"results": "project.addons.results.callback:Results"}
COMMANDS = {"results": "project.addons.results.command:results", "compare": "project.addons.results.compare:compare"}
