"""Weights files: where they are looked for, what they must hash to, what to do when one is missing.

Order of the search: the folder `CNNKIT_WEIGHTS`, then `$KERAS_HOME/models` (`~/.keras/models` by default), then
Keras's own download. A file whose hash Keras states is checked before anything of it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.resources
import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cnnkit.backbones.table import ROWS, WeightsFile
from cnnkit.errors import WeightsError

if TYPE_CHECKING:
    import pandas as pd

CONNECT_SECONDS = 5.0
CLASS_INDEX = WeightsFile(
    "imagenet_class_index.json",
    "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
    top=True,
)

# WordNet number → a name of its own, for the names that two classes of that file share.
TWICE = {
    "n02012849": "crane (bird)",
    "n03126707": "crane (machine)",
    "n03710637": "maillot",
    "n03710721": "maillot, tank suit",
}


def keras_home() -> Path:
    """`$KERAS_HOME`, or `~/.keras`; read at each call, where Keras reads it once at import."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras").expanduser()


def folders() -> list[Path]:
    """The folders where weights files are looked for, the first one first."""
    own = os.environ.get("CNNKIT_WEIGHTS")
    return [*([Path(own).expanduser()] if own else []), keras_home() / "models"]


def find(file: WeightsFile) -> Path | None:
    """Where a file is on this machine, or None."""
    return next((folder / file.name for folder in folders() if (folder / file.name).is_file()), None)


def digest(path: Path, *, like: str = "") -> str:
    """The file's hash in hexadecimal: sha256 where `like` has its 64 digits, md5 otherwise, as Keras states them."""
    # md5 names a published file here, it does not guard against an attacker: Keras states no other hash.
    kind = "sha256" if len(like) == 64 else "md5"
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def check_digest(path: Path, file: WeightsFile) -> None:
    """Refuse a file whose hash differs from the one that Keras states; without a stated one, pass.

    Raises:
        WeightsError: The hash is another.
    """
    if file.digest is None:
        return
    received = digest(path, like=file.digest)
    if received != file.digest:
        raise WeightsError(
            f"the published {file.name} with hash {file.digest}",
            f"{path} with hash {received}",
            "Remove the file and fetch it again, or pass it as weights=<path> if it is meant to differ.",
        )


def locate(files: list[WeightsFile], what: str) -> tuple[Path, WeightsFile]:
    """The first of the candidate files that is on this machine, else the first one downloaded.

    Args:
        files: Candidates, the best first.
        what: What they are for, for the message, e.g. `"mobilenet (alpha=0.75)"`.

    Raises:
        WeightsError: A file has the wrong hash, or there is none and no network.
    """
    for file in files:
        path = find(file)
        if path is not None:
            check_digest(path, file)
            return path, file
    try:
        return download(files[0]), files[0]
    except (OSError, ValueError) as error:
        if isinstance(error, WeightsError):
            raise
        raise _missing(files, what, error) from error


def download(file: WeightsFile) -> Path:
    """Fetch a file with Keras's own download into `$KERAS_HOME/models`.

    The connection is tried first with a short timeout: Keras's download has none and would hang for minutes.

    Raises:
        OSError: There is no network, or the address does not answer.
        WeightsError: What came has the wrong hash.
    """
    request = urllib.request.Request(file.url, method="HEAD")  # noqa: S310  (every address is https, in the table)
    with urllib.request.urlopen(request, timeout=CONNECT_SECONDS):  # noqa: S310  (as above)
        pass
    import keras

    with contextlib.redirect_stdout(sys.stderr):  # the progress bar must not mix with --json
        path = keras.utils.get_file(
            file.name, file.url, cache_subdir="models", cache_dir=str(keras_home()), file_hash=file.digest
        )
    check_digest(Path(path), file)
    return Path(path)


def _missing(files: list[WeightsFile], what: str, error: Exception) -> WeightsError:
    wanted = " or ".join(file.name for file in files)
    offline = list(dict.fromkeys(name for name, _, _, path in _published() if path is not None))
    choices = ["the backbone 'nano', whose weights ship with cnnkit"] if shipped() else []
    choices += ["weights=None (random weights)"]
    choices += ["the files found here, for " + ", ".join(offline)] if offline else []
    return WeightsError(
        f"the weights of {what}: {wanted}",
        f"no such file in {' or '.join(map(str, folders()))}, and no download ({error})",
        f"Put the file into {keras_home() / 'models'} ($KERAS_HOME/models) or into a folder that CNNKIT_WEIGHTS names; "
        f"it is published at {files[0].url}. What works without: " + "; ".join(choices) + ".",
    )


def shipped() -> list[Path]:
    """Weights files that came with cnnkit itself."""
    folder = Path(str(importlib.resources.files("cnnkit"))) / "zoo"
    return sorted(folder.rglob("*.weights.h5"))


def _published() -> Iterator[tuple[str, float | None, WeightsFile, Path | None]]:
    """Every published file: backbone, width, file, where it is on this machine."""
    for row in ROWS.values():
        if row.published is None:
            continue
        for alpha in row.alphas or (None,):
            for side in row.published.sides or (row.side,):
                for top in (False, True):
                    file = row.published.file(alpha=alpha, side=side, top=top)
                    yield row.name, alpha, file, find(file)


def weights_table() -> pd.DataFrame:
    """Every weights file that a backbone can use, and where it is.

    Returns:
        Columns backbone, alpha, file, top, bytes, path (None: not on this machine), url.
    """
    import pandas as pd

    records = [
        (name, alpha, file.name, file.top, path.stat().st_size if path else None, str(path) if path else None, file.url)
        for name, alpha, file, path in _published()
    ]
    records += [
        (path.name.partition(".")[0], None, path.name, False, path.stat().st_size, str(path), "ships with cnnkit")
        for path in shipped()
    ]
    table = pd.DataFrame(records, columns=["backbone", "alpha", "file", "top", "bytes", "path", "url"])
    return table.astype({"alpha": "Float64", "bytes": "Int64", "path": object})


def verification_table() -> pd.DataFrame:
    """The files on this machine, each with the hash that Keras states and the one it has.

    Returns:
        Columns file, path, expected (None: Keras states none), received, ok. A file without a stated hash
        is ok when it can be opened as HDF5.
    """
    import pandas as pd

    records = []
    for _, _, file, path in _published():
        if path is not None:
            received = digest(path, like=file.digest or "")
            fine = received == file.digest if file.digest else _opens(path)
            records.append((file.name, str(path), file.digest, received, fine))
    records += [(path.name, str(path), None, digest(path), _opens(path)) for path in shipped()]
    return pd.DataFrame(records, columns=["file", "path", "expected", "received", "ok"])


def export_weights(folder: str | Path) -> pd.DataFrame:
    """Copy every file found on this machine into a folder, for machines without network: `CNNKIT_WEIGHTS=folder`.

    Returns:
        Columns file, path (where the copy is), bytes.

    Raises:
        WeightsError: A file on this machine has the wrong hash; nothing more is copied.
    """
    import pandas as pd

    target = Path(folder).expanduser()
    target.mkdir(parents=True, exist_ok=True)
    found = [(file, path) for _, _, file, path in _published() if path is not None]
    index = find(CLASS_INDEX)
    found += [(CLASS_INDEX, index)] if index else []
    records = []
    for file, path in found:
        check_digest(path, file)
        copy = target / file.name
        if not (copy.exists() and copy.samefile(path)):
            partial = copy.with_name(copy.name + ".partial")
            shutil.copyfile(path, partial)
            partial.replace(copy)
        records.append((file.name, str(copy), copy.stat().st_size))
    return pd.DataFrame(records, columns=["file", "path", "bytes"])


def imagenet_classes() -> tuple[str, ...]:
    """The 1,000 classes of ImageNet, in the order of every published network's output; `"tench"` is the first.

    Read from `imagenet_class_index.json`, found or fetched like a weights file. Each has a name of its own: of the two
    pairs that share one in that file, the crane is the bird or the machine, the maillot has a tank suit beside it.

    Raises:
        WeightsError: The file is not here and cannot be fetched, or it was changed.
    """
    path, _ = locate([CLASS_INDEX], "the class names of ImageNet")
    index = json.loads(path.read_text(encoding="utf-8"))
    pairs = [index[str(number)] for number in range(len(index))]
    return tuple(TWICE.get(wordnet, name.replace("_", " ")) for wordnet, name in pairs)


def _opens(path: Path) -> bool:
    import h5py

    return bool(h5py.is_hdf5(path))
