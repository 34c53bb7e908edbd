"""Lets a fit continue where an earlier one stopped, in its folder, to the weights of one that was never stopped."""

CALLBACKS = {"resume": "project.addons.resume.callback:Resume"}
RESUME = {"auto": "project.addons.resume.newest:newest_run"}
