"""Bundle -> HTTP server with a page to try it, without torch."""

COMMANDS = {"serve": "project.serve.command:serve"}
