"""Tests how a model handles negation, emphasis, typos and the like, on sentences made for the purpose."""

COMMANDS = {"behaviour": "project.addons.behaviour.command:behaviour"}
SECTIONS = {"behaviour": "project.addons.behaviour.section:section"}
