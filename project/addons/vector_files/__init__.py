"""Word vectors of a file in the text format of GloVe or fastText: ``--data.vectors=FILE``."""

VECTORS = {"FILE": "project.addons.vector_files.reader:load_file"}
