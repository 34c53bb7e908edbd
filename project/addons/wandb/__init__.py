"""Logs every fit to Weights & Biases: online if a key is set, else offline."""

CALLBACKS = {"wandb": "project.addons.wandb.callback:WandbRun"}
