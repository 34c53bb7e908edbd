"""Checkpoint -> ONNX bundle, accepted only if its predictions match the checkpoint's; opening it needs no torch."""

import os

# onnxruntime sends telemetry unless this is set before it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

COMMANDS = {"export": "project.export.command:export"}
