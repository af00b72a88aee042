from __future__ import annotations

from collections.abc import Callable

import keras
import pytest

from cnnkit.backbones.extractor import backbone
from cnnkit.data.array_images import arrays
from cnnkit.data.dataset import Dataset
from cnnkit.heads.classification import classifier
from cnnkit.transfer.network import Network, attach
from tests.transfer.worlds import GRAPHS, pictures


@pytest.fixture(scope="session")
def colours() -> Dataset:
    return arrays(*pictures(40, 0), classes=["grey", "red"], validation=pictures(16, 1), test=pictures(16, 2))


@pytest.fixture
def make() -> Callable[..., Network]:
    """A fresh network on one of `GRAPHS`, the same at every call."""

    def build(graph: str = "residual", **head) -> Network:
        keras.utils.set_random_seed(3)
        return attach(backbone(GRAPHS[graph]()), classifier(["grey", "red"], **head))

    return build
