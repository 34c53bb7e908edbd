"""Sentiment classification: text -> tokens -> ids -> packed batch -> BiLSTM -> logits."""

from project.predict import Prediction, Predictor, load

__all__ = ["Prediction", "Predictor", "load"]
