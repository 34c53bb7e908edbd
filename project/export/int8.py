"""ONNX model -> the same with 8-bit weights, by onnxruntime's dynamic quantization."""

import logging
import tempfile
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic


def quantize(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return `model` with int8 weights; activations are quantized at run time.

    This covers embeddings, linear layers and LSTMs; the nodes of a GRU or RNN stay float32.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "int8.onnx"
        logging.disable(logging.WARNING)  # it advises optimizing the graph first, which this one does not need
        try:
            quantize_dynamic(model, path, weight_type=QuantType.QInt8, per_channel=True)
        finally:
            logging.disable(logging.NOTSET)
        return onnx.load(path)
