"""Writes results.json after a test, and collects those of all runs into one page."""

CALLBACKS = {"results": "project.addons.results.callback:Results"}
COMMANDS = {"results": "project.addons.results.command:results"}
