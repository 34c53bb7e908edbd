"""``sentiment classify``: texts of the command line -> label and probability."""

import argparse
import sys

from project.deploy.predictor import Predictor
from project.runtime import prepare_process


def run() -> None:
    """Print label, probability and text of each argument, separated by tabs.

    Raises:
        UserError: The checkpoint cannot be used.
    """
    parser = argparse.ArgumentParser("sentiment classify", description=__doc__)
    parser.add_argument("--ckpt_path", required=True, help="a .ckpt file that fit wrote")
    parser.add_argument("texts", nargs="+", metavar="text")
    arguments = parser.parse_args(sys.argv[2:])
    prepare_process()
    predictions = Predictor.load(arguments.ckpt_path)(arguments.texts)
    for text, prediction in zip(arguments.texts, predictions, strict=True):
        print(f"{prediction.label}\t{prediction.probability:.4f}\t{text}")
