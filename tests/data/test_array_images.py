"""Arrays: what is read, what is refused, and with which remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cnnkit.data.array_images import arrays, unlabelled
from cnnkit.errors import DataError, UnknownNameError

X = np.random.default_rng(0).integers(0, 256, (40, 5, 6, 3)).astype(np.uint8)
Y = np.arange(40) % 2


def test_the_pictures_come_back() -> None:
    data = arrays(X, Y, seed=1)
    assert data.classes == ("0", "1")
    assert [len(source) for source in data.parts().values()] == [28, 6, 6]
    for source in data.parts().values():
        assert source.labels is not None
        for index, name in enumerate(source.ids):
            assert (source.image(index) == X[int(name)]).all()
            assert source.labels[index] == Y[int(name)]
    assert data.train.reader.images is X  # type: ignore[attr-defined]  # not copied


@pytest.mark.parametrize("kind", [np.int16, np.int64, np.uint16, np.float32, np.float64])
def test_any_numeric_type(kind: Any) -> None:
    data = arrays(X.astype(kind), Y)
    assert data.train.image(0).dtype == np.uint8
    assert data.fingerprint == arrays(X, Y).fingerprint


def test_pictures_of_several_sizes() -> None:
    x = [picture[: 1 + index % 5] for index, picture in enumerate(X)]
    data = arrays(x, Y)
    for source in data.parts().values():
        assert all((source.image(index) == x[int(name)]).all() for index, name in enumerate(source.ids))
    assert arrays([Image.fromarray(picture) for picture in X], Y).fingerprint == arrays(X, Y).fingerprint


def test_floats_are_rounded() -> None:
    x = np.full((6, 2, 2, 3), 99.6)
    assert (arrays(x, [0, 1] * 3).train.image(0) == 100).all()


@pytest.mark.parametrize("shape", [(40, 5, 6), (40, 5, 6, 1)])
def test_grey_is_repeated(shape: tuple[int, ...]) -> None:
    data = arrays(X[..., 0].reshape(shape), Y)
    expected = X[int(data.train.ids[0]), ..., :1]
    assert (data.train.image(0) == np.repeat(expected, 3, axis=-1)).all()


def spoiled(place: tuple[int, ...], value: float) -> np.ndarray:
    x = X.astype(np.float32)
    x[place] = value
    return x


@pytest.mark.parametrize(
    ("x", "received", "remedy"),
    [
        (X / 255, "floats from 0 to 1", "multiply by 255"),
        (X.astype(np.float32) / 127.5 - 1, "values from -1 to 1", r"\(x \+ 1\) \* 127\.5"),
        (X.astype(int) * 2, "to 510", "before any preprocessing"),
        (X.astype(int) - 1, "from -1", "before any preprocessing"),
        (spoiled((3, 1, 1, 1), np.nan), "NaN or infinity in picture 3", "Remove"),
        (spoiled((39, 0, 0, 0), np.inf), "NaN or infinity in picture 39", "Remove"),
        (np.moveaxis(X, -1, 1), "channels first", "moveaxis"),
        (X[..., :2], "shape", "1, 3 or 4 channels"),
        (X[0, 0], "shape", "One picture alone"),
        (X[0], "shape", "One picture alone"),
        (np.zeros((5, 6, 4), np.uint8), "shape", "One picture alone"),
        (np.zeros((0, 5, 6, 3), np.uint8), "nothing", "at least one"),
        (np.array(["a", "b"]), "values of type", "numbers"),
        (X > 5, "values of type bool", r"x \* 255"),
        ([*X[:39], X[0, :2, :, :2]], "shape", "1, 3 or 4 channels"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_wrong_pictures_are_refused_with_a_remedy(x: np.ndarray, received: str, remedy: str) -> None:
    with pytest.raises(DataError, match=received) as caught:
        arrays(x, Y)
    with pytest.raises(DataError, match=remedy):
        raise caught.value


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y[:-1], "40 pictures and 39 labels"),
        (Y * 0, "1 class in y"),
        (Y + 1, "every class index from 0 to 2 in y. Received: no 0"),
        (Y - 1, "labels from -1"),
        (Y * 0.5, "fractions or NaN"),
        (np.where(Y, np.nan, 0), "fractions or NaN"),
        (np.zeros((40, 2, 2), int), "shape"),
        (np.zeros(0, int), "shape"),
        (np.eye(2)[Y], "argmax"),
        (np.array([None] * 40), "class indices or class names"),
    ],
)
def test_wrong_labels_are_refused(y: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        arrays(X, y)


def test_labels_beyond_the_named_classes_are_refused() -> None:
    with pytest.raises(DataError, match="labels from 0 to 2"):
        arrays(X, np.arange(40) % 3, classes=["a", "b"])


@pytest.mark.parametrize(
    "y", [Y.astype(np.int8), Y.astype(np.uint64), Y.astype(float), Y.astype(bool), Y.tolist(), Y[:, None]]
)
def test_any_way_to_write_labels(y: Any) -> None:
    labels = arrays(X, y, classes=["no", "yes"]).train.labels
    assert labels is not None
    assert labels.dtype == np.int64
    assert labels.tolist() == arrays(X, Y).train.labels.tolist()  # type: ignore[union-attr]


def test_labels_as_names() -> None:
    names = np.array(["img 10", "img 9"])[Y]
    data = arrays(X, names)
    assert data.classes == ("img 9", "img 10")
    assert data.train.table()["label"].tolist() == [names[int(name)] for name in data.train.ids]
    assert arrays(X, names.astype(object), classes=["img 10", "img 9"]).classes == ("img 10", "img 9")
    with pytest.raises(UnknownNameError, match="img 9"):
        arrays(X, names, classes=["img 10", "img 8"])


def test_several_labels_a_picture() -> None:
    y = np.stack([Y, 1 - Y, np.ones(40)], axis=1)
    data = arrays(X, y, classes=["a", "b", "c"])
    assert data.train.multi_label
    assert data.counts().sum(axis=1).tolist() == [20, 20, 40]


def test_parts_that_are_given() -> None:
    data = arrays(X, Y, validation=(X[:4], Y[:4]))
    assert [len(source) for source in data.parts().values()] == [40, 4, 0]
    assert (data.train.ids[0], data.validation.ids[0]) == ("train/0", "validation/0")
    assert len(data.duplicates()) == 4
    both = arrays(X, Y, validation=(X[:4], Y[:4]), test=(X[:6], Y[:6]))
    assert [len(source) for source in both.parts().values()] == [40, 4, 6]
    tested = arrays(X, Y, test=(X[:6], Y[:6]), split=(0.4, 0.1, 0.5))
    assert [len(source) for source in tested.parts().values()] == [32, 8, 6]
    with pytest.raises(DataError, match="in validation"):
        arrays(X, Y, validation=(X[:4] / 255, Y[:4]))
    with pytest.raises(DataError, match="labels from 0 to 2"):
        arrays(X, Y, validation=(X[:3], [0, 1, 2]))


def test_a_memory_map_is_not_read_into_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    data = arrays(mapped, Y)
    assert np.shares_memory(data.train.reader.images, mapped)  # type: ignore[attr-defined]  # an ArrayReader
    assert data.fingerprint == arrays(X, Y).fingerprint


def test_pictures_without_labels() -> None:
    source = unlabelled(X)
    assert (len(source), source.labels, source.ids[:2]) == (40, None, ("0", "1"))
    assert (source.image(7) == X[7]).all()
    with pytest.raises(DataError, match="multiply by 255"):
        unlabelled(X / 255)
