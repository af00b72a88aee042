"""Pre-trained extractors: the 40 Keras Applications and cnnkit's own, raw RGB 0…255 in, cut where you say.

body = ck.backbone("vgg16", cut="block4_conv3")
body.cuts()                                   # every legal cut: shape, stride, receptive field, cost
ck.backbones.names()                          # needs no Keras
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
