"""Steps divided among workers are the steps of one machine; what is no sum of its parts is refused."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.data.image_folder import folder
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.data.views.mixing import MixUp
from cnnkit.errors import InputError, WorkersError
from cnnkit.heads.classification import classifier
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.network import attach
from cnnkit.transfer.plan import Phase, Plan
from tests.transfer.worlds import pictures

ALL = Plan([Phase("deep", train="all", epochs=2, rate=0.003, schedule="cosine")])


@dataclass
class Copies:
    """Workers in this process: each has a copy of the work, as other processes have; none sees the files."""

    count: int = 2
    spoiled: bool = False

    def told(self, work: Any) -> Copies:
        self.ways = [pickle.loads(pickle.dumps(work)).start() for _ in range(self.count)]  # noqa: S301
        return self

    def map(self, pieces: Iterable[tuple[str, Any]]) -> Iterator[Any]:
        results = [way(piece) for way, (_, piece) in zip(self.ways, pieces, strict=False)]
        for result in reversed(results):  # in any order
            yield replace(result, digest="other") if self.spoiled else result

    def sees(self, _file: Path) -> bool:
        return False


@pytest.mark.parametrize(
    "plan",
    [ALL, pytest.param(Plan([Phase("stage", train=1, epochs=2, rate=0.01)]), marks=pytest.mark.slow)],
    ids=["all", "stage"],
)
def test_copies_train_as_one_machine_does(make, colours, plan) -> None:
    networks, runs = [], []
    for options in ({"cache": "none"}, {"workers": Copies(), "distribute": "data"}):
        networks.append(make("inception"))
        flips = Augmentation(horizontal_flip=True, rotation=20)
        runs.append(fit(networks[-1], colours, plan, augment=flips, batch_size=16, progress=False, **options))
    for one, other in zip(*(network.model.variables for network in networks), strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-4, rtol=0)
    numbers = ["loss", "accuracy", "val_loss", "val_accuracy", "rate"]
    np.testing.assert_allclose(*(run.history[numbers] for run in runs), atol=1e-4)


@pytest.mark.slow
def test_dropout_is_a_function_of_the_seed(make, colours) -> None:
    networks = [make(), make()]
    for network in networks:
        fit(network, colours, ALL, batch_size=16, workers=Copies(), distribute="data", progress=False)
    for one, other in zip(*(network.model.trainable_variables for network in networks), strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_other_weights_on_a_worker_end_the_training(make, colours) -> None:
    with pytest.raises(WorkersError, match="the same weights on every worker"):
        fit(make(), colours, ALL, workers=Copies(spoiled=True), distribute="data", progress=False)


REFUSED = {
    "no workers": ({"workers": None}, ALL, "workers, for distribute='data'"),
    "blended": ({"mix": MixUp()}, ALL, "mix=None: the pictures of a batch are divided"),
    "another word": ({"distribute": "model"}, ALL, "distribute='data', or None"),
    "no workers at all": ({"workers": 2}, ALL, "the address of a cluster, workers, or None"),
    "statistics": (
        {},
        Plan([Phase("deep", train="all", batch_norm="train")]),
        "layers without statistics of whole batches in phase 'deep'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_sum_of_its_parts_is_refused(make, colours, case: str) -> None:
    options, plan, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        fit(make(), colours, plan, progress=False, **{"workers": Copies(), "distribute": "data", **options})


def test_statistics_without_weights_are_refused_too(colours) -> None:
    image = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, strides=2)(image)
    x = keras.layers.BatchNormalization(center=False, scale=False, name="bare")(x)
    net = attach(backbone(keras.Model(image, x), preprocessing="inside"), classifier(colours.classes))
    plan = Plan([Phase("deep", train="all", batch_norm="train")])
    with pytest.raises(InputError, match=r"layers without statistics of whole batches.*bare"):
        fit(net, colours, plan, workers=Copies(), distribute="data", progress=False)


def test_files_that_workers_do_not_see_are_refused(make, shapes_folder: Path) -> None:
    with pytest.raises(InputError, match="on storage that all machines of the cluster see"):
        fit(make(), folder(shapes_folder), ALL, workers=Copies(), distribute="data", progress=False)


@pytest.fixture
def shapes_folder(tmp_path: Path) -> Path:
    images, labels = pictures(24, 0)
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = tmp_path / ("grey", "red")[label]
        place.mkdir(exist_ok=True)
        keras.utils.save_img(place / f"{number}.png", image)
    return tmp_path
