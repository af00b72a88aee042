"""Reports: one training as a page, several backbones in one table, the quickstart."""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
