"""cnnkit: take a network trained on ImageNet, cut it, put a new head on it, train, look inside, hand it in.

    import cnnkit as ck

    net = ck.finetune("photos/", backbone="mobilenet_v2")   # one folder a class in, a trained network out
    ck.predict(net, "holiday/")                             # DataFrame: id, label, probabilities
    ck.save(net, "runs/photos")                             # JSON + H5, loads in plain Keras

Importing cnnkit is silent and loads nothing heavy: each public name imports its module on first use.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
