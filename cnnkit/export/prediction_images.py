"""Predicted masks or pictures as a folder of PNG files; masks hold the numbers of classes, in telling colours."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cnnkit.data.any_pictures import ListedReader, as_source
from cnnkit.data.any_pictures import Pictures as GivenPictures
from cnnkit.data.image_folder import FileReader
from cnnkit.data.source import Source
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.pictures import Pictures
from cnnkit.data.targets.targets import Targets
from cnnkit.engines.runtimes import EngineName, Precision, Runtime
from cnnkit.errors import DataError, InputError
from cnnkit.export.atomic_file import replacing, write_text
from cnnkit.export.tensors import model_hash, tensor_records
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.passes import answers, sight_of

# Beside the masks: by the first a folder is known as one that may be written again.
ABOUT_FILE, CLASSES_FILE = "predictions.json", "classes.txt"
BITS = 8  # of a colour channel
IMAGE_KINDS = (Masks.kind, Pictures.kind)
"""Kinds of predictions that are as large as the photograph, and so can be a folder of files."""


def predict_to_folder(
    network: Network,
    images: GivenPictures,
    folder: str | Path,
    *,
    batch_size: int = 32,
    engine: EngineName = "auto",
    precision: Precision = "float32",
    window: tuple[int, int] | bool | None = None,
    overlap: float = 0.25,
    flip: bool = False,
    force: bool = False,
    progress: bool = False,
) -> dict[str, int]:
    """The masks or pictures that `ck.predict` gives, one PNG file per picture, each as large as its photograph.

    A file has the path of its picture, `street/1.png` for `street/1.jpg`; of `../street/1.jpg` too, since all files
    are below the folder. The values of a mask are the numbers of the
    classes; it holds the colours of Pascal VOC for them, so that any viewer shows it. `classes.txt` names the classes
    in the order of their numbers. `ck.data.masks(images, folder, net.classes)` reads what was written, of pictures
    `ck.data.pairs(images, folder)`.

    Args:
        network: Of masks or pictures, trained or loaded with `ck.load`.
        images: As for `ck.predict`.
        folder: A new or empty one, or one that this function wrote before.
        batch_size: Pictures at a time.
        engine: What runs the network, as in `ck.predict`.
        precision: As in `ck.predict`.
        window: As in `ck.predict`.
        overlap: As in `ck.predict`.
        flip: As in `ck.predict`.
        force: Writes into a folder that holds something else too, but over none of the pictures.
        progress: Whether to show a live line.

    Returns:
        Class → its pixels in all masks; of pictures, which have no classes, nothing.

    Raises:
        InputError: Another kind of network, a folder that holds something else, or a file that is one of the pictures.
        DataError: There are no pictures, one cannot be read, or two differ by their endings alone.
        MissingExtraError: The engine is not installed.
        BundleError: The disk is full, or the folder may not be written.
    """
    network, source = network_of(network), as_source(images)
    whole_number("batch_size", batch_size)
    root = Path(folder).expanduser()
    if network.head.target.kind not in IMAGE_KINDS:
        kind = network.head.target.kind
        raise InputError(
            f"a network of {' or '.join(IMAGE_KINDS)}",
            f"one of {kind}",
            "ck.export.predict_to_parquet writes any kind.",
        )
    _refuse_foreign(root, force)
    names = _names(source.ids)
    _refuse_pictures(root, names, source)
    pixels: Counter[str] = Counter()
    runtime, sight = Runtime(engine, precision), sight_of(network, window, overlap, flip)
    passes = answers(network, source, runtime, sight=sight, batch_size=batch_size, progress=progress)
    about = {"classes": list(network.classes), "model_hash": model_hash(tensor_records(network.model))}
    write_text(root / ABOUT_FILE, json.dumps(about, indent=1) + "\n")
    if network.classes:
        write_text(root / CLASSES_FILE, "".join(f"{name}\n" for name in network.classes))
    for answer in passes:
        predictions = answer.decoded(network, source)
        for place, index in enumerate(answer.indices.tolist()):
            image = _image(predictions, place)
            with replacing(root / names[index], flush=False) as partial:
                image.save(partial, format="PNG")
            counts = np.bincount(np.asarray(image).ravel(), minlength=len(network.classes))
            pixels.update({name: int(count) for name, count in zip(network.classes, counts, strict=False)})
    return {name: pixels[name] for name in network.classes}


def _image(predictions: Targets, place: int) -> Image.Image:
    """A picture, or a mask in the colours of its classes."""
    if isinstance(predictions, Pictures):
        return Image.fromarray(predictions.picture(place))
    image = Image.fromarray(predictions.mask(place))  # type: ignore[attr-defined]  # the only other kind
    image.putpalette(voc_colours(len(predictions.names)).tobytes())
    return image


def voc_colours(count: int) -> NDArray[np.uint8]:
    """(count, 3) the first colours of Pascal VOC's map: bits 0, 1, 2 of a number are the highest of red, green, blue.

    The next three bits are the second highest, and so on (`VOClabelcolormap.m` of the development kit).

    >>> voc_colours(4).tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]
    """
    numbers = np.arange(count)[:, None]
    colours = np.zeros((count, 3), np.int64)
    for place in range(BITS):
        colours |= ((numbers >> (3 * place + np.arange(3))) & 1) << (BITS - 1 - place)
    return colours.astype(np.uint8)


def _names(ids: tuple[str, ...]) -> list[str]:
    """The path of the mask of each picture, below the folder.

    Raises:
        DataError: Two pictures have the same.
    """
    names = [_below(name) for name in ids]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        both = [name for name, mask in zip(ids, names, strict=True) if mask == twice[0]]
        raise DataError("pictures whose names differ by more than the ending", ", ".join(both[:3]), "Rename one.")
    return names


def _below(name: str) -> str:
    """The path of a PNG file below a folder, whatever a picture is called.

    >>> [_below(name) for name in ("street/1.jpg", "../street/1.jpg", "/home/ada/1.jpg", "..")]
    ['street/1.png', 'street/1.png', 'home/ada/1.png', 'picture.png']
    """
    parts = [part for part in PurePosixPath(name).parts if part.strip("/") not in ("", "..")]
    return str(PurePosixPath(*parts or ["picture"]).with_suffix(".png"))


def _refuse_pictures(folder: Path, names: list[str], source: Source) -> None:
    there = [file for name in names if (file := folder / name).exists()]
    pictures = {_place(file) for file in _files(source) if file.exists()} if there else set()
    if lost := [file for file in there if _place(file) in pictures]:
        raise InputError("a folder beside the pictures", f"{lost[0]}, one of the pictures", "Give another name.")


def _files(source: Source) -> list[Path]:
    reader, positions = source.reader, source.positions.tolist()
    if isinstance(reader, FileReader):
        return [reader.root / reader.paths[position] for position in positions]
    items = [reader.items[position] for position in positions] if isinstance(reader, ListedReader) else []
    return [item for item in items if isinstance(item, Path)]


def _place(file: Path) -> tuple[int, int]:
    """On the disk: two names of one file have the same."""
    stat = file.stat()
    return stat.st_dev, stat.st_ino


def _refuse_foreign(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError("a folder for the predictions", f"the file {folder}", "Give another name.")
    if force or not folder.exists() or not any(folder.iterdir()) or (folder / ABOUT_FILE).is_file():
        return
    raise InputError(
        "a new folder, or one with earlier predictions",
        f"{folder}, which holds something else",
        "Give another name. --force, or force=True, writes into it.",
    )
