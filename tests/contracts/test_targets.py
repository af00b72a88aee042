"""What every kind of truth promises: a row of `EXAMPLES` is four examples of one kind, truth or predictions."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.data.targets import Boxes, Labels, Masks, Pictures, Points, Stored, Tags, Vectors
from cnnkit.errors import DataError, InputError, UnknownNameError

NAMES = ("cat", "dog", "hen")
IDS = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
SIZE = (24, 32)
SCORES = np.arange(12, dtype=np.float32).reshape(4, 3) / 12


class Drawn:
    """A reader of random pictures or masks that counts what it reads."""

    def __init__(self, *shape: int, values: int) -> None:
        self.shape, self.values, self.reads = shape, values, 0

    def read(self, position: int) -> np.ndarray:
        self.reads += 1
        return np.random.default_rng(position).integers(0, self.values, self.shape).astype(np.uint8)

    def digest(self, position: int) -> str:
        return hashlib.sha256(self.read(position).tobytes()).hexdigest()


def labels() -> Labels:
    return Labels(NAMES, np.array([0, 2, 2, 1]))


def said_labels() -> Labels:
    return Labels(NAMES, np.array([0, 2, 2, 1]), SCORES)


def tags() -> Tags:
    return Tags(NAMES, np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1], [0, 1, 0]]))


def said_tags() -> Tags:
    return Tags(NAMES, tags().values, SCORES)


def masks() -> Masks:
    """Blocks of 4 × 4 pixels of one class or void, one example without hens."""
    blocks = np.random.default_rng(0).choice([0, 1, 2, 255], (4, 6, 8))
    blocks[1] = 1
    return Masks.of_arrays(NAMES, blocks.repeat(4, axis=1).repeat(4, axis=2))


def stored_masks() -> Masks:
    return Masks(NAMES, Stored(Drawn(*SIZE, values=3), np.array([7, 3, 3, 5])))


def moved_masks() -> Masks:
    return stored_masks().moved(moves(3), (20, 21)).moved(moves(4), (24, 18))


def boxes() -> Boxes:
    lists = [[[0, 0, 10, 8], [4.5, 2, 30, 24]], [], [[1, 1, 2, 2]], [[8, 8, 16, 20], [2, 3, 5, 7], [0, 0, 32, 24]]]
    return Boxes.of_lists(NAMES, lists, [[0, 2], [], [1], [2, 2, 0]])


def said_boxes() -> Boxes:
    return Boxes.of_lists(NAMES, [boxes().boxes[boxes().span(i)] for i in range(4)], **of_each(boxes().labels))


def of_each(flat: np.ndarray) -> dict[str, Any]:
    parts = np.split(flat, boxes().starts[1:-1])
    return {"labels": parts, "scores": [part / 10 for part in parts]}


def full_boxes() -> Boxes:
    """With everything that a box may have."""
    column = boxes()
    count = len(column.boxes)
    things = np.zeros((count, *SIZE), np.uint8)
    for mask, (x1, y1, x2, y2) in zip(things, column.boxes.astype(int), strict=True):
        mask[y1:y2, x1:x2] = 1
    middles = (column.boxes[:, :2] + column.boxes[:, 2:]) / 2
    return Boxes(
        NAMES,
        column.boxes,
        column.labels,
        column.starts,
        crowd=np.arange(count) == 5,
        difficult=np.arange(count) % 2,
        masks=Masks.of_arrays(("background", "thing"), things),
        points=Points(("middle",), middles[:, None], np.full((count, 1), 2)),
    )


def points() -> Points:
    values = np.random.default_rng(1).uniform(1, 23, (4, 3, 2))
    shown = [[2, 2, 1], [0, 0, 0], [1, 2, 2], [2, 0, 2]]
    return Points(("nose", "left", "right"), values, np.array(shown), mirror=(0, 2, 1))


def said_points() -> Points:
    truth = points()
    return Points(truth.names, truth.values, truth.shown, SCORES, truth.mirror)


def pictures() -> Pictures:
    return Pictures(Stored(Drawn(*SIZE, 3, values=256), np.array([7, 3, 2, 5])))


def moved_pictures() -> Pictures:
    return pictures().moved(moves(5), (20, 21))


def vectors() -> Vectors:
    return Vectors(np.random.default_rng(2).normal(size=(4, 5)))


def moves(seed: int, count: int = 4) -> np.ndarray:
    """(count, 3, 3) random affine matrices: anything from a mirror to a shear, by some pixels aside."""
    dice = np.random.default_rng(seed)
    matrices = np.zeros((count, 3, 3))
    matrices[:, :2, :2] = dice.uniform(-0.5, 0.5, (count, 2, 2)) + [np.eye(2), np.diag([-1, 1])][seed % 2]
    matrices[:, :2, 2] = dice.uniform(-3, 3, (count, 2)) + (seed % 2) * np.array([28, 0])
    matrices[:, 2, 2] = 1
    return matrices


EXAMPLES: dict[str, Callable[[], Any]] = {
    make.__name__: make
    for make in (
        labels,
        said_labels,
        tags,
        said_tags,
        masks,
        stored_masks,
        moved_masks,
        boxes,
        said_boxes,
        full_boxes,
        points,
        said_points,
        pictures,
        moved_pictures,
        vectors,
    )
}
every = pytest.mark.parametrize("make", EXAMPLES.values(), ids=EXAMPLES)


def assert_equal(one: Any, other: Any) -> None:
    assert one.digest() == other.digest()
    ids = IDS[: len(one)]
    pd.testing.assert_frame_equal(one.table(ids), other.table(ids))


@every
def test_a_kind_is_in_the_table(make: Callable[[], Any]) -> None:
    truth = make()
    assert ck.data.targets.KINDS[truth.kind] is type(truth)
    assert truth.placed == (truth.kind in ("masks", "boxes", "points", "pictures"))
    assert {make().kind for make in EXAMPLES.values()} == set(ck.data.targets.KINDS)


@every
def test_taking_examples(make: Callable[[], Any]) -> None:
    truth = make()
    assert len(truth) == 4
    assert_equal(truth.take(range(4)), truth)
    assert_equal(truth.take([3, 0]).take([1]), truth.take([0]))
    assert_equal(truth.take(np.array([False, True, False, True])), truth.take([1, -1]))
    assert len(truth.take([])) == 0
    assert truth.take([0]).names == truth.names
    for wrong in ([4], [-5], [0.5], [[0]], [True], "0"):
        with pytest.raises(InputError, match=r"Expected (indices|a mask)"):
            truth.take(wrong)


@every
def test_joining_is_the_inverse_of_taking(make: Callable[[], Any]) -> None:
    truth = make()
    joined = type(truth).joined([truth.take([0]), truth.take([]), truth.take([1, 2, 3])])
    assert_equal(joined, truth)
    assert_equal(type(truth).joined([joined, joined]).take([6, 1]), truth.take([2, 1]))
    with pytest.raises(InputError, match=r"Expected one or more columns of .*none"):
        type(truth).joined([])
    with pytest.raises(InputError, match=r"Expected one or more columns of .*str"):
        type(truth).joined([truth, "truth"])


@every
def test_a_digest_is_of_content_and_order(make: Callable[[], Any]) -> None:
    truth = make()
    assert truth.digest() == make().digest()
    assert len(truth.digest()) == 64
    digests = [truth.digest(), truth.take([1, 0, 2, 3]).digest(), truth.take([0, 1, 2]).digest()]
    assert len(set(digests)) == 3


def test_digests_of_kinds_differ() -> None:
    assert len({make().digest() for make in EXAMPLES.values()}) == len(EXAMPLES)
    kinds = (labels, tags, masks, boxes, points, pictures, vectors)
    assert len({make().take([]).digest() for make in kinds}) == len(kinds)


@every
def test_counts_and_strata_are_one_per_name_and_example(make: Callable[[], Any]) -> None:
    truth = make()
    assert truth.counts().shape == (len(truth.names),)
    assert truth.counts().dtype == truth.strata().dtype == np.int64
    assert truth.strata().shape == (4,)
    assert truth.take([]).counts().tolist() == [0] * len(truth.names)
    assert truth.take([]).strata().shape == (0,)
    alone = [truth.take([index]).counts() for index in range(4)]
    np.testing.assert_array_equal(np.sum(alone, axis=0), truth.counts())


@every
def test_a_table_survives_parquet(make: Callable[[], Any], tmp_path: Path) -> None:
    for truth in (make(), make().take([])):
        table = truth.table(IDS[: len(truth)])
        assert table.columns[0] == "id"
        assert list(table) == list(make().table(IDS))
        table.to_parquet(tmp_path / "table.parquet")
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "table.parquet"), table, check_dtype=bool(len(truth)))
    with pytest.raises(InputError, match="one id for each of 4 examples"):
        make().table(IDS[:3])


@pytest.mark.parametrize("make", [said_labels, said_tags, masks, moved_masks, pictures, moved_pictures, said_boxes])
def test_predictions_come_back_from_their_table(make: Callable[[], Any]) -> None:
    """By id: in any order, with rows of other pictures, and of these pictures alone those that are asked for."""
    said = make()
    table = said.table(IDS).sample(frac=1, random_state=0)
    other = said.take([1, 2]).table(["other.jpg", "another.jpg"])
    both = pd.concat([other, table], ignore_index=True)
    back = type(said).from_table(said.names, both, IDS)
    in_order = ["id", *(name for name in ("label", "x", "y") if name in table)]
    for one, expected in ((back, said), (type(said).from_table(said.names, both, [IDS[3], IDS[1]]), said.take([3, 1]))):
        ids = IDS if one is back else [IDS[3], IDS[1]]
        tables = [side.table(ids).sort_values(in_order, ignore_index=True) for side in (one, expected)]
        pd.testing.assert_frame_equal(*tables)
    with pytest.raises(InputError, match=r"predictions with the columns id, .*ck\.predict"):
        type(said).from_table(said.names, table[["id"]], IDS)
    with pytest.raises(InputError, match="str"):
        type(said).from_table(said.names, "table", IDS)
    if make is not said_boxes:  # a picture without boxes has no row
        with pytest.raises(DataError, match=r"every picture.*none for 1, 'e\.jpg'"):
            type(said).from_table(said.names, table, [*IDS, "e.jpg"])


def test_tables_of_predictions_that_are_broken() -> None:
    with pytest.raises(UnknownNameError, match="'cow'"):
        Labels.from_table(NAMES, said_labels().table(IDS).assign(label="cow"), IDS)
    with pytest.raises(UnknownNameError, match="'cow'"):
        Tags.from_table(NAMES, said_tags().table(IDS).assign(label="cat|cow"), IDS)
    with pytest.raises(UnknownNameError, match="'cow'"):
        Boxes.from_table(NAMES, said_boxes().table(IDS).assign(label="cow"), IDS)
    deep = bytes(cv2.imencode(".png", np.zeros((2, 2), np.uint16))[1])
    for file in (b"no PNG", "text", None, deep):
        table = masks().table(IDS)
        table["mask"] = [file] * 4
        with pytest.raises(DataError, match="bytes of a PNG"):
            Masks.from_table(NAMES, table, IDS).mask(0)


@every
def test_nothing_of_it_can_be_written_to(make: Callable[[], Any]) -> None:
    truth = make()
    holders = [truth, *(value for value in vars(truth).values() if isinstance(value, Stored | Masks | Points))]
    for array in (value for holder in holders for value in vars(holder).values() if isinstance(value, np.ndarray)):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(AttributeError):
        truth.names = ()


def test_values_are_kept_apart_from_the_callers_arrays() -> None:
    values, probabilities, mask = np.array([0, 1]), np.zeros((2, 3), np.float32), np.zeros((2, 2), np.uint8)
    kept, kept_mask = Labels(NAMES, values, probabilities), Masks.of_arrays(NAMES, [mask])
    values[0] = probabilities[0, 0] = mask[0, 0] = 2
    assert kept.values.tolist() == [0, 1]
    assert kept.probabilities is not None
    assert not kept.probabilities.any()
    assert not kept_mask.mask(0).any()


@every
def test_truth_without_a_place_stays_where_it_is(make: Callable[[], Any]) -> None:
    truth = make()
    if not truth.placed:
        assert truth.moved(moves(0), SIZE) is truth


placed = pytest.mark.parametrize(
    "make", [make for make in EXAMPLES.values() if make().placed], ids=lambda make: make.__name__
)


@placed
@pytest.mark.parametrize("seed", range(4))
def test_examples_move_on_their_own(make: Callable[[], Any], seed: int) -> None:
    truth, matrices = make(), moves(seed)
    sizes = np.array([[20, 30], [24, 32], [10, 40], [32, 24]])
    rows = [2, 0]
    assert_equal(truth.moved(matrices, sizes).take(rows), truth.take(rows).moved(matrices[rows], sizes[rows]))
    assert_equal(truth.moved(matrices[0], SIZE), truth.moved(matrices[[0] * 4], [SIZE] * 4))


@placed
def test_nothing_moves_by_the_identity(make: Callable[[], Any]) -> None:
    truth = make()
    shape = {"moved_masks": (24, 18), "moved_pictures": (20, 21)}.get(make.__name__, SIZE)
    pd.testing.assert_frame_equal(truth.moved(np.eye(3), shape).table(IDS), truth.table(IDS))


@placed
@pytest.mark.parametrize(
    ("positions", "sizes", "message"),
    [
        (np.eye(2), SIZE, r"affine matrices of shape \(4, 3, 3\)"),
        (np.eye(3)[None].repeat(3, axis=0), SIZE, r"affine matrices of shape \(4, 3, 3\)"),
        ("eye", SIZE, "affine matrices of shape"),
        (np.full((3, 3), np.nan), SIZE, "affine matrices"),
        ([[1, 0, 0], [0, 1, 0], [0.1, 0, 1]], SIZE, "last row of an affine matrix"),
        (np.diag([1, 0, 1]), SIZE, "matrices with an inverse"),
        (np.eye(3), (0, 5), "sizes as"),
        (np.eye(3), 5, "sizes as"),
        (np.eye(3), (5.0, 5.0), "sizes as"),
        (np.eye(3), [(5, 5), (5,)], "sizes as"),
    ],
)
def test_wrong_moves_are_refused(make: Callable[[], Any], positions: Any, sizes: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make().moved(positions, sizes)


def test_truth_of_readers_is_read_late() -> None:
    for reader, column in (
        (masks_of := Drawn(*SIZE, values=3), Masks),
        (pictures_of := Drawn(*SIZE, 3, values=9), Pictures),
    ):
        stored = Stored(reader, range(5))
        truth = Masks(NAMES, stored) if column is Masks else Pictures(stored)
        truth = type(truth).joined([truth.moved(np.eye(3), SIZE), truth]).take([0, 9]).moved(np.eye(3), SIZE)
        assert len(truth) == 2
        assert reader.reads == 0
    assert (masks_of.reads, pictures_of.reads) == (0, 0)


NAN = float("nan")
HERE = np.array([[[1, 2], [3, 4], [5, 6]]])
FLAT = (NAMES, [[0, 0, 1, 1]], [0], [0, 1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Labels("cat", [0]), "names as a tuple of different texts"),
        (lambda: Labels(("cat", "cat"), [0]), "names as a tuple of different texts"),
        (lambda: Labels(("cat", "id"), [0]), r"\['id'\].*Rename"),
        (lambda: Labels(NAMES, [[0]]), r"labels of shape \(n,\)"),
        (lambda: Labels(NAMES, ["cat"]), r"labels of shape \(n,\)"),
        (lambda: Labels(NAMES, [0, 3]), "labels from 0 to 3"),
        (lambda: Labels(NAMES, [-1, 0]), "labels from -1"),
        (lambda: Labels(NAMES, [NAN, 0]), "labels from nan"),
        (lambda: Labels(NAMES, [0.5, 0]), "whole numbers.*0.5"),
        (lambda: Labels(NAMES, [0], [[0.5, 0.5]]), r"probabilities of shape \(1, 3\)"),
        (lambda: Labels(NAMES, [0], [[0.5, 0.5, NAN]]), "finite probabilities"),
        (lambda: Labels(NAMES, [0], [[0.5], [0.5, 1]]), r"probabilities of shape \(1, 3\)"),
        (lambda: Labels.joined([labels(), said_labels()]), "probabilities in all parts, or in none"),
        (lambda: Labels.joined([labels(), Labels(("a",), [0])]), r"the names \['cat', 'dog', 'hen'\].*\['a'\]"),
        (lambda: Tags(("cat", "label"), [[0, 1]]), r"\['label'\].*Rename"),
        (lambda: Tags(NAMES, [0]), r"labels of shape \(n,\) or"),
        (lambda: Tags(NAMES, [["x", "y", "z"]]), r"labels of shape \(n,\) or"),
        (lambda: Tags(NAMES, [[0, 1]]), r"labels of shape \(1, 2\)"),
        (lambda: Tags(NAMES, [[0, 1, 2]]), r"0 or 1 .*\[0(\.0)?, 1(\.0)?, 2(\.0)?\]"),
        (lambda: Tags(NAMES, [[0, 1, NAN]]), "0 or 1 "),
        (lambda: Tags(NAMES, [[0, 1, 0]], [[0.5, 0.5]]), r"probabilities of shape \(1, 3\)"),
        (lambda: Tags.joined([tags(), said_tags()]), "probabilities in all parts, or in none"),
        (lambda: Masks("cat", masks().stored), "names as a tuple of different texts"),
        (lambda: Masks(tuple(map(str, range(256))), masks().stored), "up to 255 classes"),
        (lambda: Masks(NAMES, [[[0]]]), "a Stored.*of_arrays"),
        (lambda: Masks.of_arrays(NAMES, "masks"), "a list of arrays, each a mask"),
        (lambda: Masks.of_arrays(NAMES, [[0, 1]]), r"a mask of shape \(h, w\)"),
        (lambda: Masks.of_arrays(NAMES, [[[0], [1, 2]]]), r"a mask of shape \(h, w\)"),
        (lambda: Masks.of_arrays(NAMES, [np.zeros((0, 3), int)]), r"a mask of shape \(h, w\)"),
        (lambda: Masks.of_arrays(NAMES, [[[0.5, 1]]]), "whole numbers from 0 to 255"),
        (lambda: Masks.of_arrays(NAMES, [[[256, 1]]]), "whole numbers from 0 to 255"),
        (lambda: Masks.of_arrays(NAMES, [[[0, 3]]]), "classes from 0 to 2 and 255 in a mask.*3 at position 0"),
        (lambda: Masks(NAMES, Stored(Drawn(4, 4, 3, values=2), [0])).mask(0), r"a mask of shape \(h, w\), uint8"),
        (lambda: Masks(NAMES, Stored(Drawn(4, 4, values=9), [6])).pixels(), "at position 6"),
        (lambda: masks().mask(4), "the index of an example, from 0 to 3"),
        (lambda: masks().mask("a"), "the index of an example, from 0 to 3"),
        (lambda: Stored([1], [0]), "a reader, with read and digest"),
        (lambda: Stored(Drawn(1, values=2), [0.5]), "positions as whole numbers"),
        (lambda: Stored(Drawn(1, values=2), 3), "positions as whole numbers"),
        (lambda: Boxes("cat", *FLAT[1:]), "names as a tuple of different texts"),
        (lambda: Boxes(NAMES, [[0, 0, 1]], [0], [0, 1]), r"boxes of shape \(n, 4\)"),
        (lambda: Boxes(NAMES, [[0, 0, NAN, 1]], [0], [0, 1]), "finite boxes"),
        (lambda: Boxes(NAMES, [[3, 0, 1, 1]], [0], [0, 1]), r"x1 ≤ x2.*\[3\.0, 0\.0, 1\.0, 1\.0\].*COCO"),
        (lambda: Boxes(NAMES, [[0, 0, 1, 1]], [[0]], [0, 1]), r"labels of shape \(1,\)"),
        (lambda: Boxes(NAMES, [[0, 0, 1, 1]], [3], [0, 1]), "labels from 0 to 2"),
        (lambda: Boxes(NAMES, [[0, 0, 1, 1]], [0], [0, 2]), "starts from 0 to 1"),
        (lambda: Boxes(NAMES, [[0, 0, 1, 1]], [0], [1, 1]), "starts from 0 to 1"),
        (lambda: Boxes(NAMES, [[0, 0, 1, 1]], [0], [0, 2, 1]), "starts from 0 to 1"),
        (lambda: Boxes(NAMES, np.zeros((0, 4)), [], []), "starts from 0 to 0"),
        (lambda: Boxes(*FLAT, scores=[1, 2]), r"scores of shape \(1,\)"),
        (lambda: Boxes(*FLAT, scores=[NAN]), "finite scores"),
        (lambda: Boxes(*FLAT, crowd=[0.5]), "True or False per box in crowd"),
        (lambda: Boxes(*FLAT, difficult=[0, 1]), r"difficult of shape \(1,\)"),
        (lambda: Boxes(*FLAT, masks=[[0]]), "one of Masks for each of 1 boxes"),
        (lambda: Boxes(*FLAT, masks=masks().take([0])), "masks of two names"),
        (lambda: Boxes(*FLAT, points=points()), "one of Points for each of 1 boxes.*4 points"),
        (lambda: Boxes.of_lists(NAMES, [[]], 3), "a list of labels per example"),
        (lambda: Boxes.of_lists(NAMES, [], [[]]), "a list of boxes for each of 1 examples.*0"),
        (lambda: Boxes.of_lists(NAMES, 3, [[]]), "a list of boxes for each of 1 examples"),
        (lambda: Boxes.of_lists(NAMES, [[0, 0, 1, 1]], [[0]]), r"boxes of shape \(1, 4\) for example 0"),
        (lambda: Boxes.of_lists(NAMES, [[[0, 0, 1, 1], [0]]], [[0, 1]]), r"boxes of shape \(2, 4\) for example 0"),
        (lambda: Boxes.of_lists(NAMES, [[[0, 0, 1, 1]]], [[0]], scores=[[]]), r"scores of shape \(1,\) for example 0"),
        (lambda: Boxes.joined([boxes(), said_boxes()]), "scores in all parts, or in none"),
        (lambda: Boxes.joined([boxes(), full_boxes()]), "crowd in all parts, or in none"),
        (lambda: Points("nose", HERE, [[2, 2, 2]]), "names as a tuple of different texts"),
        (lambda: Points(NAMES, HERE, [[2, 2]]), r"shown of shape \(n, 3\)"),
        (lambda: Points(NAMES, HERE, [[2, 2, 3]]), "0, 1 or 2 in shown"),
        (lambda: Points(NAMES, HERE[0], [[2, 2, 2]]), r"points of shape \(1, 3, 2\)"),
        (lambda: Points(NAMES, [[[1, 2], [3]]], [[2, 2, 2]]), r"points of shape \(1, 3, 2\)"),
        (lambda: Points(NAMES, HERE * NAN, [[2, 2, 2]]), "finite points"),
        (lambda: Points(NAMES, HERE, [[2, 2, 2]], [[1, 1]]), r"scores of shape \(1, 3\)"),
        (lambda: Points(NAMES, HERE, [[2, 2, 2]], mirror=(1, 0)), "each of 3 points' partner"),
        (lambda: Points(NAMES, HERE, [[2, 2, 2]], mirror=(1, 2, 0)), "each of 3 points' partner"),
        (lambda: Points(NAMES, HERE, [[2, 2, 2]], mirror=(0, 1, 3)), "each of 3 points' partner"),
        (lambda: Points(NAMES, HERE, [[2, 2, 2]], mirror=((0,), (1, 2))), "each of 3 points' partner"),
        (lambda: Points.joined([points(), said_points()]), "scores in all parts, or in none"),
        (
            lambda: Points.joined([points(), Points(points().names, points().values, points().shown)]),
            r"the partners \(0, 2, 1\) in every part.*\(0, 1, 2\)",
        ),
        (lambda: Pictures([HERE]), "a Stored.*of_arrays"),
        (lambda: Pictures.of_arrays([np.zeros((4, 4), int)]), r"a picture of shape \(h, w, 3\)"),
        (lambda: Pictures.of_arrays([np.zeros((4, 4, 3))]), "whole numbers from 0 to 255"),
        (lambda: Pictures(Stored(Drawn(4, 4, values=2), [0])).picture(0), r"a picture of shape \(h, w, 3\), uint8"),
        (lambda: Vectors([1, 2]), r"vectors of shape \(n, n\)"),
        (lambda: Vectors([[1, NAN]]), "finite vectors"),
        (lambda: Vectors([["a"]]), "vectors of shape"),
        (lambda: Vectors.joined([vectors(), Vectors([[1]])]), r"vectors of one length.*\[1, 5\]"),
    ],
)
def test_wrong_values_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises((DataError, InputError), match=message):
        make()


def changed(column: Any, **fields: Any) -> Any:
    """The column with other values of its fields."""
    names = [name for name in type(column).__dataclass_fields__ if name not in ("kind", "placed")]
    return type(column)(**{name: fields.get(name, getattr(column, name)) for name in names})


def nudged(array: np.ndarray) -> np.ndarray:
    """The array with another value in one place, where it was largest."""
    other = array.copy()
    largest = other.ravel()[array.argmax()]
    other.ravel()[array.argmax()] = 0 if array.dtype == np.bool_ else largest - 1
    return other


@every
def test_a_digest_changes_when_any_value_changes(make: Callable[[], Any]) -> None:
    truth = make()
    columns = [truth]
    for name in type(truth).__dataclass_fields__:
        value = getattr(truth, name)
        if isinstance(value, np.ndarray) and name != "starts":
            columns.append(changed(truth, **{name: nudged(value)}))
        elif name == "names" and value:
            columns.append(changed(truth, names=("horse", *value[1:])))
    if truth.kind == "points":
        columns.append(changed(truth, mirror=()))
    if truth.kind == "boxes":
        columns.append(changed(truth, starts=np.array([0, 1, 2, 3, 6])))
    if truth.kind in ("masks", "pictures"):
        columns.append(changed(truth, stored=Stored(truth.stored.reader, truth.stored.positions[::-1])))
        columns.append(truth.moved(np.eye(3), SIZE))
        columns.append(truth.moved(np.eye(3), (24, 31)))
        columns.append(truth.moved(np.diag([1, 1.001, 1]), SIZE))
    if make is full_boxes:
        columns.append(changed(truth, masks=truth.masks.take([1, 0, 2, 3, 4, 5])))
        columns.append(changed(truth, masks=None))
        columns.append(changed(truth, points=truth.points.take([1, 0, 2, 3, 4, 5])))
    assert len(columns) > 1
    assert len({column.digest() for column in columns}) == len(columns)


def test_digests_do_not_run_names_together() -> None:
    columns = [Labels(("ab", "c"), []), Labels(("a", "bc"), []), Labels(("a", "b", "c"), [])]
    assert len({column.digest() for column in columns}) == 3


@pytest.mark.parametrize("make", [masks, stored_masks, moved_masks, pictures, moved_pictures])
def test_images_of_a_table_are_png(make: Callable[[], Any]) -> None:
    truth = make()
    table = truth.table(IDS)
    for index, row in table.iterrows():
        image = np.array(Image.open(io.BytesIO(row[{"masks": "mask", "pictures": "picture"}[truth.kind]])))
        np.testing.assert_array_equal(image, truth.mask(index) if truth.kind == "masks" else truth.picture(index))
        assert image.shape[:2] == (row["height"], row["width"])
