"""Losses that Keras does not have, or has in another form than the papers: one number for each picture, in `keras.ops`.

`ck.heads.classifier(..., loss="focal")` uses them by name; with Keras alone they go into `model.compile(loss=...)`.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
