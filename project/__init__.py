"""Sentiment classification: text -> tokens -> ids -> packed batch -> BiLSTM -> logits."""

from project.deploy.predictor import Prediction, Predictor, load

__all__ = ["Prediction", "Predictor", "load"]
