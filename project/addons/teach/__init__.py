"""Labels a student's training texts with fine-tuned transformers or trained checkpoints."""

COMMANDS = {"teach": "project.addons.teach.command:teach"}
