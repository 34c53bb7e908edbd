"""Writes results.json after a test, collects those of all runs into one page, compares models on the same texts.

It has a little more than 400 lines, since both commands read the same files and use the same intervals.
"""

CALLBACKS = {"results": "project.addons.results.callback:Results"}
COMMANDS = {"results": "project.addons.results.command:results", "compare": "project.addons.results.compare:compare"}
