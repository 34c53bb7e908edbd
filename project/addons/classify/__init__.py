"""Classifies texts, the lines of standard input as they come, or the rows of a file."""

COMMANDS = {"classify": "project.addons.classify.command:classify"}
