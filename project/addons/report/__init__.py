"""Shows the confusion matrix after a test, as a table and a picture, and some texts with their predictions."""

CALLBACKS = {"report": "project.addons.report.callback:Report"}
