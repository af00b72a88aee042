"""Keras's `ImageDataGenerator` and its flows, with the same arguments and meanings, faster and reproducible."""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
