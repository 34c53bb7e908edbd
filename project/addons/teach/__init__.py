"""Fine-tuned transformers, or trained checkpoints, that label what a student is trained on."""

COMMANDS = {"teach": "project.addons.teach.command:teach"}
