"""Data sets of the Hugging Face hub as corpora, by their id; ``imdb`` and ``sst2`` by these names."""

CORPORA = {
    "imdb": "project.addons.hub.known:known_corpus",
    "sst2": "project.addons.hub.known:known_corpus",
    "OWNER/NAME": "project.addons.hub.data_sets:hub_source",
}
