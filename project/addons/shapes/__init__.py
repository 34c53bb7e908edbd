"""Prints every tensor between a text and its label."""

COMMANDS = {"shapes": "project.addons.shapes.command:shapes"}
