"""Fits on val what turns logits into answers: the temperature after every epoch, thresholds on request."""

CALLBACKS = {"calibrate": "project.addons.calibrate.callback:Calibrate"}
COMMANDS = {"calibrate": "project.addons.calibrate.command:calibrate"}
