"""Tasks of several stages, and training loops of their own.

`faster_rcnn` and its family detect in two stages: regions of a picture, then what each of them shows. They are networks
like any other, for `ck.fit`, `ck.predict`, `ck.evaluate`, `ck.save` and `ck.load`. `nano` is how cnnkit's backbone was
distilled.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
