"""Files that anyone can load: bundles (JSON + H5 + manifest), prediction tables, and the import of Keras 2 files."""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
