"""Lets a fit go on where an earlier one was stopped, in its folder, with the weights of one that was never stopped."""

CALLBACKS = {"resume": "project.addons.resume.callback:Resume"}
RESUME = {"auto": "project.addons.resume.newest:newest_run"}
