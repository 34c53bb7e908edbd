"""Labels a student's training texts with transformers, trained checkpoints or the answers of a language model."""

COMMANDS = {"ask": "project.addons.teach.ask:ask", "teach": "project.addons.teach.command:teach"}
