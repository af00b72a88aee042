"""Drawn faces as a dataset: who it is, or what is seen of them; rendered when a picture is asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import one_of, seed_of, whole_number
from cnnkit.data.dataset import Dataset
from cnnkit.data.scene_pictures import drawing_version
from cnnkit.data.source import LabelArray, Source
from cnnkit.data.targets.tags import Tags
from cnnkit.scenes.face_drawing import SMALLEST, render_face
from cnnkit.scenes.face_identity import FACE_ATTRIBUTES, face_attributes
from cnnkit.scenes.parts import split_points

SPLITS_BY = ("shots", "people")
TARGETS = ("person", "attributes")


@dataclass(frozen=True)
class FaceReader:
    """Draws the face at a position, which is person · shots + shot; nothing is kept.

    Args:
        seed: Which population.
        shots: How many photographs of each person.
        size: Side in pixels.
    """

    seed: int
    shots: int
    size: int

    def read(self, position: int) -> NDArray[np.uint8]:
        """The picture (size, size, 3)."""
        return render_face(self.seed, *divmod(position, self.shots), self.size).image

    def shape(self, position: int) -> tuple[int, int]:
        """Height and width of each picture."""
        return self.size, self.size

    def digest(self, position: int) -> str:
        """A hash of what decides the picture: the drawing code, the seed, person and shot, the size."""
        key = f"face {drawing_version()} {self.seed} {divmod(position, self.shots)} {self.size}"
        return hashlib.sha256(key.encode()).hexdigest()


def faces(
    people: int, shots: int, seed: int = 0, *, size: int = 96, split_by: str = "shots", target: str = "person"
) -> Dataset:
    """Drawn faces: each person has a geometry of its own, each shot another light, pose and expression.

    Args:
        people: How many identities; each is a class "person-0000", "person-0001", …
        shots: How many photographs of each.
        seed: Which population; its people never change with `people` or `shots`.
        size: Side in pixels, ≥ 32.
        split_by: "shots": every person is in all parts, with the first 70 % of the shots for training;
            "people": the first 70 % of the people are for training, the others are seen in validation or test
            only, as verification of strangers asks for.
        target: "person": who it is; "attributes": what is seen of them, any number of `cnnkit.scenes.FACE_ATTRIBUTES`.

    Returns:
        Ids like "face-0-0003-0012": seed, person, shot.

    Raises:
        InputError: Fewer than one person or shot, a negative seed, or a size below 32.
        UnknownNameError: Another `split_by` or target.

    >>> album = faces(4, 5)
    >>> len(album.classes), album.train.ids[0], album.train.image(0).shape
    (4, 'face-0-0000-0000', (96, 96, 3))
    """
    people = whole_number(people, "people", least=1, remedy="Count from 1.")
    shots = whole_number(shots, "shots", least=1, remedy="Count from 1.")
    size = whole_number(size, "size", least=SMALLEST, remedy="Use 96 pixels or more to see faces.")
    seed = seed_of(seed)
    one_of(split_by, "a split", SPLITS_BY)
    one_of(target, "a target of faces", TARGETS)
    positions = np.arange(people * shots, dtype=np.int64)
    person, shot = positions // shots, positions % shots
    labels: LabelArray = person
    if target == "person":
        classes = tuple(f"person-{number:04d}" for number in range(people))
    else:
        classes = tuple(FACE_ATTRIBUTES)
        shown = ["|".join(face_attributes(seed, *pair)) for pair in zip(person.tolist(), shot.tolist(), strict=True)]
        labels = Tags.of_texts(shown, classes)
    whole = Source.labelled(
        ids=tuple(f"face-{seed}-{a:04d}-{b:04d}" for a, b in zip(person, shot, strict=True)),
        classes=classes,
        labels=labels,
        reader=FaceReader(seed, shots, size),
        positions=positions,
    )
    which, count = (shot, shots) if split_by == "shots" else (person, people)
    validation, test = split_points(count)
    return Dataset(
        classes=classes,
        train=whole.take(which < validation),
        validation=whole.take((which >= validation) & (which < test)),
        test=whole.take(which >= test),
    )
