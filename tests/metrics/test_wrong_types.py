"""Every public metric refuses what it cannot measure by a cnnkit error, whichever argument it is."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest

from cnnkit import metrics
from cnnkit.data.targets import Boxes, Points
from cnnkit.errors import CnnkitError

MAPS = {"true": [[0, 1]], "predicted": [[0, 1]], "classes": 2}
TRUE_BOX = Boxes.of_lists(("a",), [[[0, 0, 1, 1]]], [[0]])
TRUE_POINTS = Points(("left_shoulder", "right_hip"), [[[1, 1], [3, 3]]], [[2, 2]])
POINTS = {"truth": TRUE_POINTS, "predictions": TRUE_POINTS}
PICTURES = {"truth": np.zeros((1, 11, 11, 3)), "other": np.ones((1, 11, 11, 3))}
GOOD = {
    "absolute_error": PICTURES,
    "accept_threshold": {"strangers": [0.1, 0.2]},
    "accuracy_score": {"labels": [0, 1], "decisions": [0, 1]},
    "average_precision": {"recall": [0.5, 1.0], "precision": [1.0, 0.5]},
    "average_precision_score": {"labels": [0, 1], "scores": [0.1, 0.9]},
    "best_threshold": {"labels": [0, 1], "probabilities": [0.1, 0.9]},
    "boundary_iou": MAPS,
    "box_iou": {"boxes": [[0, 0, 1, 1]], "others": [[0, 0, 1, 1]]},
    "brier_loss": {"labels": [0, 1], "probabilities": [0.1, 0.9]},
    "calibration": {"labels": [0, 1], "probabilities": [0.1, 0.9]},
    "class_scores": {
        "truth": np.eye(2),
        "decided": np.eye(2),
        "probabilities": np.eye(2),
        "classes": ["a", "b"],
    },
    "coco": {"truth": {"images": [], "categories": [], "annotations": []}, "predictions": []},
    "confusion": {"labels": [0, 1], "decisions": [0, 1]},
    "detection_identification_rate": {
        "similarities": [[0.9, 0.1], [0.2, 0.1]],
        "people": [0, 2],
        "gallery": [0, 1],
    },
    "detection_errors": {"truth": TRUE_BOX, "predictions": replace(TRUE_BOX, scores=[1.0])},
    "dice": MAPS,
    "equal_error_rate": {"same": [0, 1], "similarities": [0.1, 0.9]},
    "frequency_weighted_iou": MAPS,
    "frechet_distance": {"features": [[0.0], [1.0]], "others": [[0.0], [2.0]]},
    "gradient_energy": {"pictures": PICTURES["truth"]},
    "macro_means": {"scores": {"a": {"f1": 1.0}}, "names": {"f1": "macro_f1"}},
    "mean_accuracy": MAPS,
    "mean_iou": MAPS,
    "non_maximum_suppression": {"boxes": [[0, 0, 1, 1]], "scores": [0.5]},
    "oks": POINTS,
    "panoptic_quality": {
        "true": [[[[0, 0], [1, 2]]]],
        "predicted": [[[[0, 0], [1, 1]]]],
        "names": ["sky", "ball"],
        "things": ["ball"],
    },
    "pck": POINTS,
    "peak_signal_to_noise": PICTURES,
    "pixel_accuracy": MAPS,
    "point_errors": POINTS,
    "precision_recall_f1": {"labels": [0, 1], "decisions": [0, 1]},
    "rank1": {"similarities": [[0.9, 0.1]], "people": [0], "gallery": [0, 1]},
    "roc": {"same": [0, 1], "similarities": [0.1, 0.9]},
    "roc_auc_score": {"labels": [0, 1], "scores": [0.1, 0.9]},
    "soft_non_maximum_suppression": {"boxes": [[0, 0, 1, 1]], "scores": [0.5]},
    "structural_similarity": PICTURES,
    "true_accept_rate": {"same": [0, 1], "similarities": [0.1, 0.9]},
    "voc": {"truth": TRUE_BOX, "predictions": replace(TRUE_BOX, scores=[1.0])},
    "wilson_interval": {"correct": 1, "count": 2},
}
VALUES = (None, 3.5, "ab", b"x", object(), [None, None], [[0, 1], [1]], {"a": 1}, {"a": {"b": "c"}}, 1 + 2j, [0, 1, 2])
FINE = (
    ("accept_threshold", "strangers", VALUES[10]),
    ("best_threshold", "at", None),
    ("boundary_iou", "distance", None),
    ("box_iou", "crowd", None),
    ("coco", "predictions", VALUES[10]),
    ("coco", "sigmas", None),
    *(("non_maximum_suppression", name, None) for name in ("labels", "least", "most", "pictures")),
    ("non_maximum_suppression", "least", VALUES[1]),
    ("oks", "sigmas", None),
    ("pck", "threshold", VALUES[1]),
    *(("soft_non_maximum_suppression", name, VALUES[1]) for name in ("sigma", "least")),
    ("soft_non_maximum_suppression", "labels", None),
    ("wilson_interval", "count", VALUES[1]),
)
"""What an argument may be after all."""


def test_the_table_holds_every_public_metric() -> None:
    functions = {name for name in metrics.__all__ if inspect.isfunction(getattr(metrics, name))}
    assert functions == set(GOOD)


CASES = [
    (name, argument, value)
    for name in GOOD
    for argument in inspect.signature(getattr(metrics, name)).parameters
    for value in VALUES
    if not any(fine[:2] == (name, argument) and fine[2] is value for fine in FINE)
]


@pytest.mark.parametrize(("name", "argument", "value"), CASES)
def test_every_argument_refuses_other_types_in_words(name: str, argument: str, value: object) -> None:
    with pytest.raises(CnnkitError):
        getattr(metrics, name)(**{**GOOD[name], argument: value})
