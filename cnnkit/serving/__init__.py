"""Serving: networks behind an API of HTTP, in the words of TensorFlow Serving, of KServe, and of people."""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
