"""The command line: ``python -m project COMMAND``, installed as ``sentiment``."""

import sys
from importlib import import_module

from project.errors import UserError
from project.process import prepare

USAGE = """usage: sentiment COMMAND [options]

  fit        train a model, then test its best checkpoint
  validate   figures of a checkpoint on a corpus's val split
  test       figures of a checkpoint on a corpus's test split
  predict    write a checkpoint's predictions for a corpus's test split to a file
  classify   label and probability of texts: of the command line, of standard input, or of a file
  export     write a checkpoint as a bundle that needs no torch: ONNX, with or without 8-bit weights
  ensemble   several checkpoints as one, which answers with the mean of their probabilities
  serve      a bundle behind HTTP, with a page to try it
  shapes     every tensor on the way of texts given on the command line: names, shapes, values
  baselines  linear classifiers on a configuration's corpus: what the model has to beat
  pretrain   train a configuration's encoder as a language model, on texts without labels
  teach      label a student's training texts with a pretrained transformer that is fine-tuned first
  results    collect runs and baselines into one page of tables
  data       fetch the default corpus and the word vectors into the cache

sentiment COMMAND --help lists the options of a command."""

COMMANDS = {
    "fit": "project.cli",
    "validate": "project.cli",
    "test": "project.cli",
    "predict": "project.cli",
    "classify": "project.classify",
    "export": "project.export.command",
    "ensemble": "project.addons.ensemble.command",
    "serve": "project.serve.command",
    "shapes": "project.addons.shapes.command",
    "baselines": "project.addons.baselines.command",
    "pretrain": "project.addons.pretrain.command",
    "teach": "project.addons.teach.command",
    "results": "project.addons.results.command",
    "data": "project.prepare",
}


def main() -> int:
    """Run the command that `sys.argv` names; return 0, or 2 after one line about what the user can mend."""
    prepare()
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print(USAGE)
        return 0
    try:
        if name not in COMMANDS:
            raise UserError(f"there is no command {name!r}: choose one of {', '.join(COMMANDS)}")
        # Imported here, so that a command starts without the packages of the others.
        import_module(COMMANDS[name]).run()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
