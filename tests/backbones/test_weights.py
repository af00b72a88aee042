"""Files: where they are found, what is refused, and what the message says when nothing is there."""

from __future__ import annotations

import hashlib
import socket
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import cnnkit as ck
from cnnkit.backbones import weights
from cnnkit.backbones.table import WeightsFile, find_row
from cnnkit.errors import WeightsError

VGG = find_row("vgg16").files(alpha=None, side=224, top=False)


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Keras home without files, and no network."""

    def no_network(request: Any, timeout: float) -> None:
        assert timeout <= 10, "a command must not hang where there is no network"
        raise urllib.error.URLError(socket.gaierror("no network"))

    monkeypatch.setattr(urllib.request, "urlopen", no_network)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CNNKIT_WEIGHTS", raising=False)
    (tmp_path / "home" / "models").mkdir(parents=True)
    return tmp_path / "home"


def test_a_missing_file_says_which_where_and_what_works_without(empty_home: Path) -> None:
    with pytest.raises(WeightsError) as raised:
        ck.backbone("vgg16")
    message = str(raised.value)
    assert "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5" in message
    assert "vgg16_weights_tf_dim_ordering_tf_kernels.h5" in message  # the one with the classifier serves too
    assert str(empty_home / "models") in message
    for part in ("$KERAS_HOME/models", "CNNKIT_WEIGHTS", "https://storage", "weights=None", "no network"):
        assert part in message
    assert ("'nano'" in message) == bool(weights.shipped())
    assert isinstance(raised.value, OSError)


def test_files_that_are_here_are_named(empty_home: Path) -> None:
    (empty_home / "models" / "mobilenet_5_0_224_tf.h5").write_bytes(b"")
    with pytest.raises(WeightsError, match="files found here, for mobilenet"):
        ck.backbone("xception")


def test_a_wrong_hash_names_file_both_hashes_and_remedy(empty_home: Path) -> None:
    file = empty_home / "models" / VGG[0].name
    file.write_bytes(b"half a download")
    received = hashlib.md5(b"half a download", usedforsecurity=False).hexdigest()
    with pytest.raises(WeightsError) as raised:
        ck.backbone("vgg16")
    for part in (str(file), VGG[0].digest, received, "fetch it again"):
        assert str(part) in str(raised.value)


def test_sha256_is_told_by_its_length(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert weights.digest(tmp_path / "f") == "900150983cd24fb0d6963f7d28e17f72"  # RFC 1321
    assert weights.digest(tmp_path / "f", like="0" * 64).startswith("ba7816bf8f01cfea")  # FIPS 180-2


def test_cnnkit_weights_comes_before_the_keras_home(
    empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (empty_home / "models" / "f.h5").write_bytes(b"home")
    file = WeightsFile("f.h5", "https://example.org/f.h5", None, top=False)
    assert weights.locate([file], "f")[0] == empty_home / "models" / "f.h5"
    (own / "f.h5").write_bytes(b"own")
    monkeypatch.setenv("CNNKIT_WEIGHTS", str(own))
    assert weights.locate([file], "f")[0] == own / "f.h5"


def test_a_download_is_checked_too(empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    class Answer:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    def get_file(name: str, url: str, *, cache_subdir: str, cache_dir: str, file_hash: str) -> str:
        path = Path(cache_dir, cache_subdir, name)
        path.write_bytes(b"changed on the way")
        return str(path)

    monkeypatch.setattr(urllib.request, "urlopen", lambda request, timeout: Answer())
    monkeypatch.setattr(keras.utils, "get_file", get_file)
    with pytest.raises(WeightsError, match="hash"):
        weights.locate(VGG, "vgg16")
    untold = WeightsFile("f.h5", "https://example.org/f.h5", None, top=False)
    assert weights.locate([untold], "f")[0] == empty_home / "models" / "f.h5"


def test_verify_and_export(empty_home: Path, tmp_path: Path) -> None:
    models = empty_home / "models"
    (models / VGG[0].name).write_bytes(b"wrong")
    (models / "mobilenet_5_0_224_tf.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    table = weights.verification_table().set_index("file")
    assert not table["ok"][VGG[0].name]
    assert table["expected"][VGG[0].name] == VGG[0].digest
    with pytest.raises(WeightsError, match="hash"):
        weights.export_weights(tmp_path / "stick")
    (models / VGG[0].name).unlink()
    done = weights.export_weights(tmp_path / "stick")
    assert done["file"].tolist() == ["mobilenet_5_0_224_tf.h5"]
    assert (tmp_path / "stick" / "mobilenet_5_0_224_tf.h5").read_bytes() == b"\x89HDF\r\n\x1a\n"
    assert not list((tmp_path / "stick").glob("*.partial"))


def test_the_table_lists_every_file(empty_home: Path) -> None:
    table = weights.weights_table()
    # 38 networks without widths or with two (MobileNetV3), 4·4 MobileNets, 6·5 MobileNetV2, each with and without top;
    # and the zoo's SqueezeNet 1.1
    assert len(table) - len(weights.shipped()) == 2 * (36 + 2 * 2 + 4 * 4 + 6 * 5 + 1)
    assert table["path"].notna().sum() == len(weights.shipped())
    assert table["url"].str.startswith("https://").sum() == len(table) - len(weights.shipped())


def test_keras_home_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KERAS_HOME", raising=False)
    assert weights.keras_home() == Path.home() / ".keras"
