"""What students get and what stays secret: the train segment, the score segment and its labels.

    OUT/train/<class>/000000.jpg …     to train on, a folder a class
    OUT/score/000000.jpg …             to predict, in the order of the rows; no labels
    OUT/segments.json                  how many, from where, and fingerprints
    labels.parquet                     secret, never within OUT

Pictures are written anew under new names: neither a name nor a hash of a file leads to public annotations. Which one
gets which name is decided by the salt of the labels alone: who has all that is handed out, this code and the original
data cannot tell the order. But who has the original data can look for what a picture shows: public ones are changed,
see `disguise`, and only pictures that nobody else has are safe.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnkit.course.grading.disguise import Disguise
from cnnkit.course.grading.labels import Labels, refuse_constant_answers, write_labels
from cnnkit.course.submissions.assignment import Assignment
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.export.atomic_file import write_text
from cnnkit.scenes.picture_files import write_picture

SCORE, TRAIN, SEGMENTS_FILE = "score", "train", "segments.json"
DIGITS = 6


@dataclass(frozen=True)
class Segments:
    """What was prepared.

    Attributes:
        score: Pictures of the score segment.
        train: Pictures of the train segment.
        positive: How many of the score segment are of the assignment's class; secret.
        data_fingerprint: sha256 over the salt, and ids, labels and pictures of both segments.
        labels_fingerprint: What `assignment.toml` publishes.
        duplicates: Pictures that were left out of the train segment because they are in the score segment too.
        public: Whether others have the pictures and what they show, so that they were changed.
    """

    score: int
    train: int
    positive: int
    data_fingerprint: str
    labels_fingerprint: str
    duplicates: int
    public: bool = False


def prepare(
    source: Source,
    assignment: Assignment,
    *,
    out: str | Path,
    labels: str | Path,
    train: int | None = None,
    salt: str | None = None,
    public: bool = False,
) -> tuple[Assignment, Segments]:
    """Divides labelled pictures into segments and writes them.

    Args:
        source: Pictures of two classes; the second is the assignment's.
        assignment: Says how many rows there are.
        out: The students' folder; a new one.
        labels: The secret file; it must not be within `out`.
        train: How many pictures to train on; all that are left by default.
        salt: The secret of the labels file, which decides the division; a random one by default. The same salt, the
            same segments and fingerprints.
        public: Whether others have the pictures and what they show: then they are changed, see `disguise`.

    Returns:
        The assignment with the fingerprint of its labels, to be saved, and what was prepared.

    Raises:
        DataError: Too few pictures, not two classes, or labels that a constant answer would pass with.
        InputError: `out` is not empty, or holds the labels; or the file of the labels is there.
    """
    place, secret = Path(out), Path(labels)
    if place.is_dir() and any(place.iterdir()):
        raise InputError("a new folder for the segments", f"{place}, which is not empty", "Give another one.")
    if place.resolve() in secret.resolve().parents:
        raise InputError("labels outside of what students get", f"{secret} in {place}", "Put them elsewhere.")
    if secret.exists():  # without the salt in it, nothing that was handed out before could be graded
        raise InputError(
            "a new file for the labels", f"{secret}, which is there", "Give another name, or move it away."
        )
    if source.labels is None or source.labels.ndim != 1 or len(source.classes) != 2:
        raise DataError("labelled pictures of two classes", f"classes {list(source.classes)}", "Choose other data.")
    secret_salt = secrets.token_hex(16) if salt is None else salt
    order = _order(source.ids, secret_salt)
    if len(order) <= assignment.rows:
        raise DataError(
            f"more than the {assignment.rows:,} pictures of the score segment",
            f"{len(order):,}",
            "Get more pictures, or lower `rows` in assignment.toml.",
        )
    scored = source.take(order[: assignment.rows])
    rest = source.take(order[assignment.rows :])
    seen = set(scored.digests())
    fresh = [index for index, digest in enumerate(rest.digests()) if digest not in seen]
    trained = rest.take(np.array(fresh[:train], np.int64))
    truth = _binary(scored)
    names = tuple(f"{row:0{DIGITS}d}" for row in range(len(scored)))
    secret_labels = Labels(names, truth, secret_salt)
    refuse_constant_answers(secret_labels, assignment)
    disguise = Disguise(secret_salt) if public else None
    _write(scored, place / SCORE, [""] * len(scored), disguise)
    _write(trained, place / TRAIN, [source.classes[int(label)] for label in _binary(trained)], disguise)
    write_labels(secret, secret_labels)
    segments = Segments(
        score=len(scored),
        train=len(trained),
        positive=int(truth.sum()),
        data_fingerprint=hashlib.sha256(
            f"{secret_salt} {scored.fingerprint} {trained.fingerprint}".encode()
        ).hexdigest(),
        labels_fingerprint=secret_labels.fingerprint,
        duplicates=len(rest) - len(fresh),
        public=public,
    )
    told = {"assignment": assignment.name, "classes": list(source.classes), **asdict(segments)}
    del told["positive"]
    write_text(place / SEGMENTS_FILE, json.dumps(told, indent=1) + "\n")
    return assignment.model_copy(update={"labels_fingerprint": secret_labels.fingerprint}), segments


def one_class(source: Source, name: str) -> Source:
    """The same pictures with two classes: all others, `no_<name>`, and the one of that name.

    Raises:
        UnknownNameError: No class has that name.
        DataError: Pictures without one label each.
    """
    if name not in source.classes:
        raise unknown_name("a class", name, source.classes, "the folders of the pictures")
    if source.labels is None or source.labels.ndim != 1:
        raise DataError("pictures with one label each", "others", "Choose other data.")
    shown = np.asarray(source.labels == source.classes.index(name), np.int64)
    return Source.labelled(source.ids, (f"no_{name}", name), shown, source.reader, source.positions)


def _order(ids: tuple[str, ...], salt: str) -> NDArray[np.int64]:
    """A random order that depends on names and salt alone: more pictures do not change who comes before whom."""
    digests = [hashlib.sha256(f"{salt} {name}".encode()).digest() for name in ids]
    return np.array(sorted(range(len(ids)), key=digests.__getitem__), np.int64)


def _binary(source: Source) -> NDArray[np.bool_]:
    positive: NDArray[np.bool_] = np.asarray(source.labels, np.int64) == 1
    return positive


def _write(source: Source, folder: Path, subfolders: list[str], disguise: Disguise | None) -> None:
    """Pictures as JPEG, numbered within each subfolder."""
    numbers: Counter[str] = Counter()
    targets = []
    for name in subfolders:
        targets.append(folder / name / f"{numbers[name]:0{DIGITS}d}.jpg")
        numbers[name] += 1
    for name in numbers:
        (folder / name).mkdir(parents=True, exist_ok=True)

    def write(index: int) -> None:
        picture = source.image(index)
        write_picture(targets[index], picture if disguise is None else disguise(picture, source.ids[index]))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(write, range(len(source))):
            pass
