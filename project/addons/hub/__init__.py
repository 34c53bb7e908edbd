CORPORA = {
    "imdb": "project.addons.hub.known:known_corpus",
    "sst2": "project.addons.hub.known:known_corpus",
    "OWNER/NAME": "project.addons.hub.data_sets:hub_source",
}
