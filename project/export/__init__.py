"""Checkpoint -> ONNX bundle, accepted only if it answers like the checkpoint; a bundle is opened without torch."""

import os

# onnxruntime sends usage data to its maker unless this is set before it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

COMMANDS = {"export": "project.export.command:export"}
