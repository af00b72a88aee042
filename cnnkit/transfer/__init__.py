"""The heart: a network is a backbone and a head, a plan says what trains when, `fit` does it."""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    names={
        "FeatureCache": "cnnkit.transfer.cache_choice",
        "Network": "cnnkit.transfer.network",
        "Phase": "cnnkit.transfer.plan",
        "Plan": "cnnkit.transfer.plan",
        "Run": "cnnkit.transfer.run",
        "add_classes": "cnnkit.transfer.more_classes",
        "attach": "cnnkit.transfer.network",
        "cache_entries": "cnnkit.transfer.user_cache",
        "cache_folder": "cnnkit.transfer.user_cache",
        "calibrate": "cnnkit.transfer.calibration",
        "choose_threshold": "cnnkit.transfer.calibration",
        "clear_cache": "cnnkit.transfer.user_cache",
        "evaluate": "cnnkit.transfer.inference",
        "find_rate": "cnnkit.transfer.rate_finding",
        "finetune": "cnnkit.transfer.finetuning",
        "fit": "cnnkit.transfer.fitting",
        "imagenet": "cnnkit.transfer.imagenet_network",
        "predict": "cnnkit.transfer.inference",
        "top": "cnnkit.transfer.imagenet_network",
    },
)
