"""Labels a student's training texts with transformers, trained checkpoints or the answers of a language model.

It has more code than other add-ons, since it has three kinds of teacher, and the corpora that they label.
"""

COMMANDS = {"ask": "project.addons.teach.ask:ask", "teach": "project.addons.teach.command:teach"}
