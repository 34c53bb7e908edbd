"""Texts that have any number of labels (``--data.labels=any``): how they are read, split, trained on and measured."""

CALLBACKS = {"multilabel": "project.addons.multilabel.callback:AnyFit"}
LABELS = {"any": "project.addons.multilabel.labels:AnyChecker"}
