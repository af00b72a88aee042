"""Vectors of pictures: the mean over the places of the backbone's map."""

from __future__ import annotations

import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import CnnkitError
from tests.transfer.worlds import residual


def test_the_mean_over_places() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3)).astype(np.uint8)
    body = ck.backbone(residual())
    expected = np.asarray(body.model(pictures.astype(np.float32))).mean(axis=(1, 2))
    np.testing.assert_allclose(ck.feature_vectors(body, pictures, batch_size=2), expected, rtol=1e-5)
    with pytest.raises(CnnkitError):
        ck.feature_vectors(body, pictures[:0])
