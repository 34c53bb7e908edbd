"""Runs and baselines on one page of tables."""

COMMANDS = {"results": "project.addons.results.command:results"}
