"""Necks: from the feature maps of a backbone to those that a head needs, each a function from tensors to tensors.

levels = ck.necks.fpn(body.pyramid(), width=64)      # {"P3": tensor, …}: the same scales, each knows the deeper ones
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
