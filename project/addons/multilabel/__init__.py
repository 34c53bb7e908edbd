"""Texts that have any number of labels (``--data.labels=any``): how they are read, split, trained on and measured."""

LABELS = {"any": "project.addons.multilabel.labels:AnyChecker"}
