"""Diagrams: networks and convolutions drawn, as on a slide.

    ck.diagrams.architecture(net)                   # its stages as boxes; `block` draws one part layer by layer
    ck.diagrams.costs(net)                          # parameters, multiply-adds and receptive field of each layer
    ck.diagrams.convolution(image, kernel)          # the sliding window, the sums written out

Colours, fonts and sizes are those of `ck.visualize.style`.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
