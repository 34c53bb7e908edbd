"""What is shown after a test: the confusion matrix, as a table and a picture, and some texts with their answers."""

CALLBACKS = {"report": "project.addons.report.callback:Report"}
