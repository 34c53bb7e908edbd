"""Ends a fit whose loss or weights are no longer finite, before a checkpoint is made of them."""

CALLBACKS = {"guard": "project.addons.guard.callback:Guard"}
