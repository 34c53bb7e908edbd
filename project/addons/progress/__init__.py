"""Says what a fit works with and how each epoch went: a line each, with or without a progress bar."""

CALLBACKS = {"progress": "project.addons.progress.callback:Progress"}
