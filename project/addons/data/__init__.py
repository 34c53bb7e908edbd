"""Downloads the built-in corpora and the word vectors ahead of time."""

COMMANDS = {"data": "project.addons.data.command:data"}
