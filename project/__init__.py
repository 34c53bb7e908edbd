"""Sentiment classification: text -> tokens -> ids -> packed batch -> BiLSTM -> logits."""

from project.decision import Prediction
from project.predict import Predictor, load

__all__ = ["Prediction", "Predictor", "load"]
