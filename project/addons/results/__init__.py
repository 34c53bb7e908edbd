"""Collects runs and baselines into one page of tables."""

COMMANDS = {"results": "project.addons.results.command:results"}
