"""Word vectors and recurrent network trained as a language model, on texts without labels."""

COMMANDS = {"pretrain": "project.addons.pretrain.command:pretrain"}
