"""Sets of tensorflow-datasets: really prepared on disk by the test, then read with TensorFlow's own file formats."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cnnkit.data.tfds_sets import TFRecords, opened, picture_and_label, tfds
from cnnkit.errors import DataError, MissingExtraError, UnknownNameError


@pytest.fixture(scope="module")
def library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's and TFDS's own, at import
        import tensorflow_datasets

    return tensorflow_datasets


def picture(split: str, index: int) -> np.ndarray:
    """Every picture differs from all others, in size too."""
    shape = (5 + index % 3, 7, 3)
    return np.full(shape, index * 3 + (100 if split == "test" else 0), np.uint8)


def prepared(
    library: Any,
    folder: Path,
    name: str,
    counts: dict[str, int],
    *,
    file_format: str = "tfrecord",
    features: dict[str, Any] | None = None,
    shards: int = 1,
    supervised: tuple[str, str] | None = None,
) -> None:
    """Writes a set of `counts` pictures a split, labelled 0, 1, 0, 1, … (in `hidden` and after 100: -1)."""
    core = library.core
    described = features or {
        "picture": library.features.Image(),
        "kind": library.features.ClassLabel(names=["cat", "dog"]),
        "name": library.features.Text(),
    }

    class Builder(core.GeneratorBasedBuilder, skip_registration=True):  # type: ignore[misc]  # tfds has no types
        VERSION = core.Version("1.0.0")

        def _info(self) -> Any:
            return core.DatasetInfo(
                builder=self, features=library.features.FeaturesDict(described), supervised_keys=supervised
            )

        def _split_generators(self, manager: Any) -> dict[str, Any]:
            return {split: self._generate_examples(split) for split in counts}

        def _generate_examples(self, split: str) -> Iterator[tuple[int, dict[str, Any]]]:
            for index in range(counts[split]):
                values = {
                    "picture": picture(split, index),
                    "kind": index % 2 if split != "test" else -1,
                    "name": f"{split} {index}",
                    "label": index % 2,
                    "number": index,
                }
                yield index, {key: values[key] for key in described}

    Builder.name = name
    Builder.__module__ = name  # not in a package, like a builder in a notebook
    builder = Builder(data_dir=str(folder), file_format=file_format)
    options = library.download.DownloadConfig(num_shards=shards)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        builder.download_and_prepare(download_config=options)


@pytest.mark.parametrize(("file_format", "shards"), [("tfrecord", 3), ("array_record", 1)])
def test_a_prepared_set_is_read_as_tensorflow_datasets_reads_it(
    library: Any, tmp_path: Path, file_format: str, shards: int
) -> None:
    counts = {"train": 20, "test": 6}
    prepared(library, tmp_path, "pets", counts, file_format=file_format, shards=shards)
    data = tfds("pets", data_dir=tmp_path, seed=1)
    assert data.classes == ("cat", "dog")
    assert [len(source) for source in data.parts().values()] == [16, 4, 6]
    assert data.test.labels is None  # -1 throughout: secret

    everything = library.builder("pets", data_dir=str(tmp_path)).as_data_source if shards == 1 else None
    found = {}
    for source in (data.train, data.validation):
        assert source.labels is not None
        for index, name in enumerate(source.ids):
            image = source.image(index)
            value = int(image[0, 0, 0]) // 3
            assert (image == picture("train", value)).all()
            assert source.labels[index] == value % 2
            found[name] = value
    assert sorted(found) == sorted(f"train/{index}" for index in range(20))
    assert sorted(found.values()) == list(range(20))
    if everything is not None:  # the order is the one of the files
        reference = [int(example["picture"][0, 0, 0]) // 3 for example in everything("train")]
        assert [found[f"train/{index}"] for index in range(20)] == reference
    assert {int(data.test.image(index)[0, 0, 0]) for index in range(6)} == {100 + 3 * index for index in range(6)}
    assert len(set(data.train.digests())) == 16
    assert tfds("pets", data_dir=tmp_path, seed=1).fingerprint == data.fingerprint


def test_all_three_splits_are_kept(library: Any, tmp_path: Path) -> None:
    prepared(library, tmp_path, "pets", {"train": 4, "validation": 2, "test": 2, "extra": 3})
    data = tfds("pets", data_dir=tmp_path)
    assert [len(source) for source in data.parts().values()] == [4, 2, 2]
    assert data.validation.ids == ("validation/0", "validation/1")


def test_a_set_without_train_is_refused(library: Any, tmp_path: Path) -> None:
    prepared(library, tmp_path, "pets", {"test": 2})
    with pytest.raises(DataError, match="train split"):
        tfds("pets", data_dir=tmp_path)


def test_a_set_that_is_no_classification_set_is_refused(library: Any, tmp_path: Path) -> None:
    kinds = library.features
    two = {"label": kinds.ClassLabel(num_classes=2), "kind": kinds.ClassLabel(num_classes=2), "picture": kinds.Image()}
    prepared(library, tmp_path, "twice", {"train": 2}, features=two)
    with pytest.raises(DataError, match="classification set"):
        tfds("twice", data_dir=tmp_path)
    prepared(
        library,
        tmp_path,
        "numbers",
        {"train": 2},
        features={"number": kinds.Scalar(np.int64), "picture": kinds.Image()},
    )
    with pytest.raises(DataError, match="one class label"):
        tfds("numbers", data_dir=tmp_path)


def test_supervised_keys_decide_between_two_labels(library: Any, tmp_path: Path) -> None:
    kinds = library.features
    features = {
        "kind": kinds.ClassLabel(names=["no", "yes"]),
        "label": kinds.ClassLabel(names=["cat", "dog"]),
        "picture": kinds.Image(),
    }
    prepared(library, tmp_path, "twice", {"train": 8}, features=features, supervised=("picture", "label"))
    assert tfds("twice", data_dir=tmp_path).classes == ("cat", "dog")


def test_floating_point_pictures_are_refused(library: Any, tmp_path: Path) -> None:
    kinds = library.features
    features = {"kind": kinds.ClassLabel(num_classes=2), "picture": kinds.Image(shape=(5, 7, 1), dtype=np.float32)}
    info = library.core.DatasetInfo(
        builder=library.testing.DummyDataset(data_dir=str(tmp_path)), features=kinds.FeaturesDict(features)
    )
    with pytest.raises(DataError, match="8 or 16 bits"):
        picture_and_label(info, "depths")


def test_another_file_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="riegeli"):
        opened([tmp_path / "x.riegeli"], "riegeli")


def test_an_unknown_name_gets_the_nearest(library: Any, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'cifar10'"):
        tfds("cifra10", data_dir=tmp_path)


def test_without_cache_and_network_the_message_says_what_to_run(
    library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(library, tmp_path, "pets", {"train": 4})

    class FarAway(library.core.GeneratorBasedBuilder):  # type: ignore[misc,name-defined]  # tfds has no types
        VERSION = library.core.Version("2.0.0")

        def _info(self) -> Any:
            features = {"image": library.features.Image(), "label": library.features.ClassLabel(num_classes=2)}
            return library.core.DatasetInfo(builder=self, features=library.features.FeaturesDict(features))

        def _split_generators(self, manager: Any) -> dict[str, Any]:
            manager.download("http://127.0.0.1:9/pictures.zip")  # the discard port: nobody answers
            return {}

        def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
            yield from ()

    FarAway.__module__ = "far_away"
    monkeypatch.setattr("tensorflow_datasets.core.download.downloader.MAX_RETRIES", 0)  # 10 take 204 s
    for proxy in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    with pytest.raises(DataError) as caught:
        tfds("far_away", data_dir=tmp_path)
    assert f"tfds build far_away --data_dir {tmp_path}" in caught.value.remedy
    assert "Prepared here: pets." in caught.value.remedy
    assert "scenes(2000)" in caught.value.remedy


def test_a_known_set_without_network_is_refused_at_once(
    library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tensorflow-datasets would try for 204 seconds; here it is not asked."""

    def asked(*_: Any, **__: Any) -> None:
        raise AssertionError("tensorflow-datasets was asked to download")

    monkeypatch.setattr(library.core.DatasetBuilder, "download_and_prepare", asked)
    for proxy in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")  # the discard port: nobody answers
    monkeypatch.setenv("no_proxy", "")
    expected = r"'beans' in the cache .*no network: https://\S+ cannot be reached.*tfds build beans"
    with pytest.raises(DataError, match=expected):
        tfds("beans", data_dir=tmp_path)


def test_a_prepared_set_needs_no_network(library: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(library, tmp_path, "pets", {"train": 4, "test": 4, "validation": 4})

    def connected(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was touched")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, connected)
    monkeypatch.setattr(socket.socket, "connect", connected)
    assert len(tfds("pets", data_dir=tmp_path).train) == 4


def test_a_package_that_a_set_needs_is_named(library: Any, tmp_path: Path) -> None:
    class NeedsMore(library.core.GeneratorBasedBuilder):  # type: ignore[misc,name-defined]  # tfds has no types
        VERSION = library.core.Version("1.0.0")

        def _info(self) -> Any:
            features = {"image": library.features.Image(), "label": library.features.ClassLabel(num_classes=2)}
            return library.core.DatasetInfo(builder=self, features=library.features.FeaturesDict(features))

        def _split_generators(self, manager: Any) -> dict[str, Any]:
            import a_package_that_nobody_wrote  # type: ignore[import-not-found]  # the absence is the test

            return {"train": a_package_that_nobody_wrote}

        def _generate_examples(self) -> Iterator[tuple[int, dict[str, Any]]]:
            yield from ()

    NeedsMore.__module__ = "needs_more"
    with pytest.raises(MissingExtraError, match="pip install a_package_that_nobody_wrote"):
        tfds("needs_more", data_dir=tmp_path)


def test_a_cut_record_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "pets-train.tfrecord-00000-of-00001"
    file.write_bytes((5).to_bytes(8, "little") + bytes(4) + b"hello" + bytes(4) + (9).to_bytes(8, "little"))
    with pytest.raises(DataError, match="within a record"):
        TFRecords([file])
    file.write_bytes(file.read_bytes()[:21])
    assert [TFRecords([file])[0], len(TFRecords([file]))] == [b"hello", 1]
