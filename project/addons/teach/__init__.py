MINILM_NAME = "all-minilm-l6-v2"  # the transformer that is fetched
