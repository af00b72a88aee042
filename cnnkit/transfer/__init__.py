"""The heart: a network is a backbone and a head, a plan says what trains when, `fit` does it."""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
