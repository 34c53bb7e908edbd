"""Shows which words of a text speak for its label, and which against it."""

COMMANDS = {"explain": "project.addons.explain.command:explain"}
