"""The sets of the accuracy study: small sets of real pictures, as people bring them to fine-tuning.

Each is a dataset whose test pictures never depend on the seed of the split: a seed decides only which of the
training pictures are held out for validation. `ants_bees` and `orl` are photographs, `cifar0`…`cifar2` three draws of
100 pictures per class from CIFAR-10, `person`, `person1` and `person2` three ways to halve photographs of COCO by the
rule of Visual Wake Words, `things` boxes of COCO cut out, `scenes` drawn by cnnkit.
"""

from __future__ import annotations

import json
import lzma
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.data.decode import decode_bytes, decode_file
from cnnkit.data.source import Source
from cnnkit.data.split import arranged, as_dataset, stratified

DATA = Path(os.environ.get("CNNKIT_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"
SPLIT = (0.85, 0.15, 0)  # what is not test: to train on and to validate by

CIFAR_TRAIN, CIFAR_TEST = 100, 100  # pictures per class
ORL_TRAIN = 3  # pictures of each person: two to train on, one to validate by
THINGS = 6  # classes
THING_SIDE, THING_MOST = 24, 60  # pixels of the smallest box; crops of each class
SCENES = 500  # to train and validate, and as many to test


def ants_bees(seed: int) -> ck.data.Dataset:
    """244 photographs of ants and bees; the set's own 153 of validation are the test."""
    photos = ck.data.folder(DATA / "ants_bees_256")
    return _split(photos.train, photos.validation, seed)


def cifar(draw: int) -> Callable[[int], ck.data.Dataset]:
    """A draw of CIFAR-10: 100 pictures of each class, 32 × 32, and 1,000 to test."""

    def dataset(seed: int) -> ck.data.Dataset:
        random = np.random.default_rng(draw)
        train, test = _cifar("train", CIFAR_TRAIN, random), _cifar("test", CIFAR_TEST, np.random.default_rng(100))
        return _split(train, test, seed)

    return dataset


def orl(seed: int) -> ck.data.Dataset:
    """40 people: of the ten pictures of each two to train on, one to validate by, seven to test."""
    files = sorted((DATA / "orl_faces").rglob("*.pgm"), key=lambda file: (file.parent.name, int(file.stem)))
    people = sorted({file.parent.name for file in files})
    labels = np.array([people.index(file.parent.name) for file in files])
    images = np.stack([decode_file(file) for file in files])
    order = np.random.default_rng(0).permutation(len(files))
    place = {person: [index for index in order if labels[index] == person] for person in range(len(people))}
    train = np.concatenate([indices[:ORL_TRAIN] for indices in place.values()])
    test = np.concatenate([indices[ORL_TRAIN:] for indices in place.values()])
    return _split(_source(images[train], labels[train], people), _source(images[test], labels[test], people), seed)


def person(draw: int) -> Callable[[int], ck.data.Dataset]:
    """207 photographs of COCO, half of them to test: does one show a person? A draw decides which half."""

    def dataset(seed: int) -> ck.data.Dataset:
        images, labels = [], []
        for pictures, instances in coco_files():
            photos = ck.data.coco(pictures, instances, split=(1, 0, 0)).train
            images += [photos.image(index) for index in range(len(photos))]
            labels += photos.labels.tolist()
        return _halved(images, np.array(labels), ["no_person", "person"], seed, draw)

    return dataset


def things(seed: int) -> ck.data.Dataset:
    """Boxes of COCO's most frequent classes, cut out of the photographs, half of them to test."""
    crops: dict[str, list[NDArray[np.uint8]]] = {}
    for pictures, instances in coco_files():
        described = json.loads(instances.read_text(encoding="utf-8"))
        names = {category["id"]: category["name"] for category in described["categories"]}
        files = {image["id"]: pictures / image["file_name"] for image in described["images"]}
        for thing in described["annotations"]:
            x, y, width, height = (round(side) for side in thing["bbox"])
            if min(width, height) >= THING_SIDE and not thing["iscrowd"]:
                crop = decode_file(files[thing["image_id"]])[y : y + height, x : x + width]
                crops.setdefault(names[thing["category_id"]], []).append(crop)
    frequent = sorted(
        name for name, _ in Counter({name: len(found) for name, found in crops.items()}).most_common(THINGS)
    )
    images = [crop for name in frequent for crop in crops[name][:THING_MOST]]
    labels = np.array([label for label, name in enumerate(frequent) for _ in crops[name][:THING_MOST]])
    return _halved(images, labels, frequent, seed)


def scenes(seed: int) -> ck.data.Dataset:
    """Drawn scenes with and without people."""
    whole = ck.data.scenes(2 * SCENES, seed=11)
    parts = whole.train, whole.validation, whole.test
    images = np.stack([part.image(index) for part in parts for index in range(len(part))])
    labels = np.concatenate([part.labels for part in parts])
    train, test = (_source(images[part], labels[part], whole.classes) for part in (np.s_[:SCENES], np.s_[SCENES:]))
    return _split(train, test, seed)


SETS: dict[str, Callable[[int], ck.data.Dataset]] = {
    "ants_bees": ants_bees,
    "cifar0": cifar(0),
    "cifar1": cifar(1),
    "cifar2": cifar(2),
    "orl": orl,
    "person": person(0),
    "person1": person(1),
    "person2": person(2),
    "things": things,
    "scenes": scenes,
}


class Pictures:
    """Pictures of any sizes in memory."""

    def __init__(self, images: Any) -> None:
        self._images = images

    def read(self, position: int) -> NDArray[np.uint8]:
        return self._images[position]

    def digest(self, position: int) -> str:
        import hashlib

        image = self._images[position]
        return hashlib.sha256(repr(image.shape).encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def _source(images: Any, labels: NDArray[np.int64], classes: Any) -> Source:
    ids = tuple(f"{index:05d}" for index in range(len(images)))
    return Source.labelled(ids, tuple(classes), labels, Pictures(images), np.arange(len(images)))


def _split(train: Source, test: Source, seed: int) -> ck.data.Dataset:
    parts = arranged({"train": train, "test": test}, split=SPLIT, seed=seed)
    return as_dataset(parts)


def _halved(
    images: list[NDArray[np.uint8]], labels: NDArray[np.int64], classes: list[str], seed: int, draw: int = 0
) -> ck.data.Dataset:
    whole = _source(images, labels, classes)
    train, test = stratified(labels, fractions=(0.5, 0.5), seed=draw, classes=classes)
    return _split(whole.take(train), whole.take(test), seed)


def _cifar(part: str, count: int, random: np.random.Generator) -> Source:
    """So many pictures of each class."""
    with lzma.open(DATA / "cifar10_jpeg" / f"{part}.npz.xz") as file, np.load(file) as arrays:
        offsets, labels, classes = arrays["offsets"], arrays["labels"], arrays["classes"]
        stream = arrays["jpeg"].tobytes()
    chosen = np.concatenate([random.permutation(np.flatnonzero(labels == label))[:count] for label in range(10)])
    images = np.stack([decode_bytes(stream[offsets[index] : offsets[index + 1]], str(index)) for index in chosen])
    return _source(images, labels[chosen].astype(np.int64), [str(name) for name in classes])


def coco_files() -> list[tuple[Path, Path]]:
    """Folder of the pictures and instances, twice."""
    return [
        (next(folder.glob("val*")), next((folder / "annotations").glob("instances*.json")))
        for folder in (DATA / "coco128", DATA / "coco_mini")
    ]
