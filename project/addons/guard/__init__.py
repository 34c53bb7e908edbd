"""Refuses settings of the Trainer that make no sense; ends a fit whose loss or weights are no longer finite."""

CALLBACKS = {"guard": "project.addons.guard.callback:Guard"}
