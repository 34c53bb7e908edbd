"""The downloads, ahead of time."""

COMMANDS = {"data": "project.addons.data.command:data"}
