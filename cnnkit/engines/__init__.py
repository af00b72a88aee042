"""Engines: any Keras model in inference mode as a fast function of arrays (folded TensorFlow, ONNX, OpenVINO)."""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
