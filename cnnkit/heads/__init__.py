"""Heads: layers on a backbone's features, with the loss, encoding, decoding and metric of a task."""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
