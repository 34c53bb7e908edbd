"""Looks at a corpus before training and says what would spoil it."""

COMMANDS = {"doctor": "project.addons.doctor.command:doctor"}
