"""A gallery: who is nearest, who is a stranger, what a file holds and forgets."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import cnnkit as ck
from cnnkit.errors import DataError, InputError, UnknownNameError
from tests.transfer.people import network, people

PHOTOS = people(9, 6, split=(4, 0))
TEST = PHOTOS.test  # p4 … p8


@pytest.fixture(scope="module")
def net() -> ck.Network:
    net = network(PHOTOS.train)
    ck.fit(net, PHOTOS, ck.plans.whiten(), cache="none", progress=False)
    return net


def of(*numbers: int, shots: slice = slice(None)) -> ck.data.Source:
    """Some pictures of the people of these numbers."""
    return TEST.take(np.concatenate([np.flatnonzero(TEST.labels == number)[shots] for number in numbers]))


@pytest.fixture
def gallery(net: ck.Network) -> ck.Gallery:
    """Two people with two pictures each."""
    both = ck.Gallery(net)
    return both.add("ann", of(4, shots=slice(2))).add("bob", of(5, shots=slice(2)))


def test_the_nearest_picture_says_who_it_is(net: ck.Network, gallery: ck.Gallery) -> None:
    gallery.threshold = 0.5
    asked = of(4, 5, 6, shots=slice(2, None))
    found = gallery.identify(asked)
    assert found.columns.tolist() == ["id", "label", "score", "nearest"]
    known, vectors = (
        ck.predict(net, source, flip=True).iloc[:, 1:].to_numpy() for source in (of(4, 5, shots=slice(2)), asked)
    )
    similar = vectors @ known.T
    np.testing.assert_allclose(found["score"], similar.max(axis=1), atol=1e-5)
    nearest = np.array(["ann", "ann", "bob", "bob"])[similar.argmax(axis=1)]
    assert found["nearest"].tolist() == nearest.tolist()
    assert found["label"].tolist() == np.where(similar.max(axis=1) >= 0.5, nearest, "").tolist()


def test_so_many_strangers_are_taken_for_someone(gallery: ck.Gallery) -> None:
    strangers = of(6, 7, 8)
    threshold = gallery.calibrate(strangers, far=0.2)
    assert threshold == gallery.threshold
    accepted = (gallery.identify(strangers)["label"] != "").sum()
    assert accepted == 3  # of 18; one more would be more than a fifth
    assert gallery.calibrate(strangers, far=0) > threshold


def test_more_pictures_of_a_person_are_added_to_theirs(gallery: ck.Gallery) -> None:
    gallery.threshold = 0.9
    gallery.add("ann", of(4, shots=slice(2, 3)))
    assert gallery.names == ("ann", "bob")
    assert repr(gallery) == "Gallery of 2 people, 5 pictures, threshold 0.900"
    assert gallery.identify(of(4, shots=slice(2, 3)))["score"][0] == pytest.approx(1, abs=1e-5)


def test_strangers_who_look_like_someone_are_refused_by_a_threshold_that_a_file_keeps(
    net: ck.Network, gallery: ck.Gallery, tmp_path: Path
) -> None:
    twins = of(4, shots=slice(2))
    gallery.calibrate(twins, far=0)
    again = ck.Gallery.load(gallery.save(tmp_path / "people.parquet"), net)
    assert again.threshold == gallery.threshold
    assert again.identify(twins)["label"].tolist() == ["", ""]
    assert again.identify(twins)["score"].max() <= 1
    gallery.threshold = np.float32(0.5)  # type: ignore[assignment]  # what a caller may compute
    assert ck.Gallery.load(gallery.save(tmp_path / "people.parquet"), net).threshold == 0.5


def test_a_file_gives_the_same_gallery(net: ck.Network, gallery: ck.Gallery, tmp_path: Path) -> None:
    gallery.calibrate(of(6, 7), far=0.1)
    path = gallery.save(tmp_path / "people.parquet")
    again = ck.Gallery.load(path, net)
    assert repr(again) == repr(gallery)
    pd.testing.assert_frame_equal(again.identify(TEST), gallery.identify(TEST))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_holds_names_and_vectors_and_forgets_who_was_removed(gallery: ck.Gallery, tmp_path: Path) -> None:
    path = gallery.save(tmp_path / "people.parquet")
    assert pq.read_table(path).column_names == ["name", *(f"v{place}" for place in range(6))]
    assert b"ann" in path.read_bytes()
    gallery.remove("ann")
    gallery.save(path)
    assert b"ann" not in path.read_bytes()
    assert gallery.names == ("bob",)
    assert [file.name for file in tmp_path.iterdir()] == ["people.parquet"]


def test_an_empty_gallery_is_saved_too(net: ck.Network, tmp_path: Path) -> None:
    path = ck.Gallery(net).save(tmp_path / "nobody.parquet")
    assert len(ck.Gallery.load(path, net)) == 0


def test_vectors_of_another_network_are_refused(gallery: ck.Gallery, tmp_path: Path) -> None:
    path = gallery.save(tmp_path / "people.parquet")
    with pytest.raises(InputError, match="other weights"):
        ck.Gallery.load(path, network(PHOTOS.train))


def test_what_is_no_gallery_is_neither_read_nor_replaced(net: ck.Network, gallery: ck.Gallery, tmp_path: Path) -> None:
    path = tmp_path / "other.parquet"
    pd.DataFrame({"name": ["ann"]}).to_parquet(path)
    with pytest.raises(DataError, match="a gallery"):
        ck.Gallery.load(path, net)
    with pytest.raises(DataError, match="a gallery"):
        ck.Gallery.load(tmp_path / "nothing.parquet", net)
    with pytest.raises(InputError, match="something else"):
        gallery.save(path)
    with pytest.raises(UnknownNameError, match="parquet"):
        gallery.save(tmp_path / "people.csv")


def test_what_a_gallery_cannot_do_is_said(net: ck.Network, gallery: ck.Gallery) -> None:
    with pytest.raises(InputError, match="a threshold"):
        gallery.identify(TEST)
    with pytest.raises(InputError, match="nobody"):
        ck.Gallery(net, threshold=0.5).identify(TEST)
    with pytest.raises(UnknownNameError, match="ann"):
        gallery.remove("anne")
    with pytest.raises(InputError, match="a name"):
        gallery.add("", TEST)
    with pytest.raises(InputError, match="from -1 to 1"):
        ck.Gallery(net, threshold=2)
    with pytest.raises(InputError, match="compares pictures"):
        ck.Gallery(ck.attach(net.backbone, ck.heads.classifier(["a", "b"])))
