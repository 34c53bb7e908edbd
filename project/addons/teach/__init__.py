"""Labels a student's training texts with transformers, checkpoints, latent dimensions or a language model's answers.

It has more code than other add-ons, since it has four kinds of teacher, and the corpora that they label.
"""

COMMANDS = {"ask": "project.addons.teach.ask:ask", "teach": "project.addons.teach.command:teach"}
