"""Bundle -> HTTP, and a page to try it; without torch."""

COMMANDS = {"serve": "project.serve.command:serve"}
