"""After a test: figures of the classes, errors and a picture in the terminal; the run as an HTML report."""

CALLBACKS = {"report": "project.addons.report.callback:Report"}
COMMANDS = {"report": "project.addons.report.command:report"}
