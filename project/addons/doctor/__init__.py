"""Checks a corpus before training and reports what would spoil the training.

It has more than 400 lines: about fifteen checks, a file for each kind, and three forms of the answer.
"""

COMMANDS = {"doctor": "project.addons.doctor.command:doctor"}
