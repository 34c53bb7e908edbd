"""Checkpoint -> predictor, bundle, labels."""

import os

# onnxruntime sends usage data to its maker unless this is set before it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
