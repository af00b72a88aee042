"""cnnkit: take a network trained on ImageNet, cut it, put a new head on it, train, look inside, hand it in.

    import cnnkit as ck

    net = ck.finetune("photos/", backbone="mobilenet_v2")   # one folder a class in, a trained network out
    ck.predict(net, "holiday/")                             # DataFrame: id, label, probabilities
    ck.save(net, "runs/photos")                             # JSON + H5, loads in plain Keras

Importing cnnkit is silent and loads nothing heavy: each public name imports its module on first use.
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    modules={
        "backbones": "cnnkit.backbones",
        "data": "cnnkit.data",
        "errors": "cnnkit.errors",
        "export": "cnnkit.export",
        "grading": "cnnkit.grading",
        "heads": "cnnkit.heads",
        "losses": "cnnkit.losses",
        "metrics": "cnnkit.metrics",
        "plans": "cnnkit.transfer.plans",
        "primitives": "cnnkit.primitives",
        "submissions": "cnnkit.submissions",
        "transfer": "cnnkit.transfer",
        "visualize": "cnnkit.visualize",
        "zoo": "cnnkit.zoo",
    },
    names={
        "Network": "cnnkit.transfer.network",
        "Phase": "cnnkit.transfer.plan",
        "Plan": "cnnkit.transfer.plan",
        "Run": "cnnkit.transfer.run",
        "add_classes": "cnnkit.transfer.more_classes",
        "attach": "cnnkit.transfer.network",
        "backbone": "cnnkit.backbones.extractor",
        "calibrate": "cnnkit.transfer.calibration",
        "choose_threshold": "cnnkit.transfer.calibration",
        "compare": "cnnkit.tasks.comparing",
        "evaluate": "cnnkit.transfer.inference",
        "finetune": "cnnkit.transfer.finetuning",
        "fit": "cnnkit.transfer.fitting",
        "imagenet": "cnnkit.transfer.imagenet_network",
        "load": "cnnkit.export.bundle",
        "predict": "cnnkit.transfer.inference",
        "report": "cnnkit.tasks.report",
        "find_rate": "cnnkit.transfer.rate_finding",
        "save": "cnnkit.export.bundle",
        "top": "cnnkit.transfer.imagenet_network",
        "truncate": "cnnkit.backbones.truncation",
    },
)
