"""Sentiment classification: text -> tokens -> ids -> packed batch -> BiLSTM -> logits."""
