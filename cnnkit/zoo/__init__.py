"""The lectures' networks from scratch, one paper a file, and nano, whose weights ship with cnnkit.

    net = ck.zoo.resnet18(input_shape=(96, 96, 3), classes=10)   # random weights, to train
    ck.zoo.squeezenet1_1(classes=None, weights="squeezenet_..._notop.h5")

A file has its family's plural name, a function that of one member. Pictures go in raw, 0…255.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
