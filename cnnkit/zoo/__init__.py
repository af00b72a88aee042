"""The lectures' networks from scratch, one paper a file, and nano, whose weights ship with cnnkit.

    net = ck.zoo.resnet18(input_shape=(96, 96, 3), classes=10)   # random weights, to train
    ck.zoo.squeezenet1_1(classes=None, weights="squeezenet_..._notop.h5")

A file has its family's plural name, a function that of one member. Pictures go in raw, 0…255.
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    names={
        "alexnet": "cnnkit.zoo.alexnets",
        "alexnet_two_columns": "cnnkit.zoo.alexnets",
        "convnet": "cnnkit.zoo.lecture_networks",
        "densenet121": "cnnkit.zoo.densenets",
        "densenet169": "cnnkit.zoo.densenets",
        "densenet201": "cnnkit.zoo.densenets",
        "googlenet": "cnnkit.zoo.googlenets",
        "lenet5": "cnnkit.zoo.lenets",
        "mlp": "cnnkit.zoo.lecture_networks",
        "mobilefacenet": "cnnkit.zoo.mobilefacenets",
        "mobilenet": "cnnkit.zoo.mobilenets",
        "mobilenet_v2": "cnnkit.zoo.mobilenets_v2",
        "mobilenet_v3_large": "cnnkit.zoo.mobilenets_v3",
        "mobilenet_v3_small": "cnnkit.zoo.mobilenets_v3",
        "nano": "cnnkit.zoo.nanos",
        "resnet18": "cnnkit.zoo.resnets",
        "resnet34": "cnnkit.zoo.resnets",
        "resnet50": "cnnkit.zoo.resnets",
        "resnet101": "cnnkit.zoo.resnets",
        "resnet152": "cnnkit.zoo.resnets",
        "shufflenet": "cnnkit.zoo.shufflenets",
        "shufflenet_v2": "cnnkit.zoo.shufflenets_v2",
        "squeezenet1_0": "cnnkit.zoo.squeezenets",
        "squeezenet1_1": "cnnkit.zoo.squeezenets",
        "vgg11": "cnnkit.zoo.vgg_nets",
        "vgg13": "cnnkit.zoo.vgg_nets",
        "vgg16": "cnnkit.zoo.vgg_nets",
        "vgg19": "cnnkit.zoo.vgg_nets",
    },
)
