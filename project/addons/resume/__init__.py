"""Lets a fit go on where an earlier one was stopped, in its folder, as if it had never been stopped."""

CALLBACKS = {"resume": "project.addons.resume.callback:Resume"}
RESUME = {"auto": "project.addons.resume.newest:newest_run"}
