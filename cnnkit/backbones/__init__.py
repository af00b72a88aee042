"""Pre-trained extractors: the 40 Keras Applications and cnnkit's own, raw RGB 0…255 in, cut where you say.

body = ck.backbone("vgg16", cut="block4_conv3")
body.cuts()                                   # every legal cut: shape, stride, receptive field, cost
ck.backbones.names()                          # needs no Keras
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    modules={"graph": "cnnkit.backbones.graph"},
    names={
        "Backbone": "cnnkit.backbones.extractor",
        "BackboneSettings": "cnnkit.backbones.extractor",
        "ancestors": "cnnkit.backbones.graph",
        "backbone": "cnnkit.backbones.extractor",
        "boundary": "cnnkit.backbones.graph",
        "count": "cnnkit.backbones.model_costs",
        "canonical": "cnnkit.backbones.naming",
        "cut_table": "cnnkit.backbones.cuts",
        "dominators": "cnnkit.backbones.graph",
        "export_weights": "cnnkit.backbones.weights",
        "imagenet_classes": "cnnkit.backbones.weights",
        "names": "cnnkit.backbones.table",
        "truncate": "cnnkit.backbones.truncation",
        "verification_table": "cnnkit.backbones.weights",
        "weights_table": "cnnkit.backbones.weights",
    },
)
