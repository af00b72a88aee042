"""What every augmenter and every framing keeps: the matrix and the pixels of a view say the same.

A new augmenter in `ck.data` needs a row in `ROWS`, and no test code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

import cnnkit as ck
from cnnkit.data.targets import Boxes, Masks, Points
from cnnkit.data.targets.masks import VOID
from cnnkit.data.views.chain import placing
from cnnkit.data.views.placement import placement
from cnnkit.data.views.rand_augment import GREY, OPERATIONS, ORIGINS, RandAugment
from cnnkit.scenes import render_scene

Matrix = NDArray[np.float64]
WHOLE = ck.data.Augmentation(
    rotation=40, width_shift=0.2, height_shift=0.15, shear=20, zoom=0.3, horizontal_flip=True, vertical_flip=True
)
COLOURED = {"channel_shift": 20, "brightness": (0.7, 1.2)}


@dataclass(frozen=True)
class Row:
    """An augmenter and what its views are.

    Attributes:
        augment: The augmenter.
        moves: Whether things may move.
        colours: Whether pixels are more than resampled.
        erases: Whether a part of the picture may be gone.
    """

    augment: Any
    moves: bool = True
    colours: bool = False
    erases: bool = field(default=False, kw_only=True)


ROWS = {
    "nothing": Row(ck.data.Augmentation(), moves=False),
    "rotation": Row(ck.data.Augmentation(rotation=90)),
    "shifts": Row(ck.data.Augmentation(width_shift=0.3, height_shift=0.3)),
    "shear": Row(ck.data.Augmentation(shear=40)),
    "zoom": Row(ck.data.Augmentation(zoom=0.5)),
    "flips": Row(ck.data.Augmentation(horizontal_flip=True, vertical_flip=True)),
    "colours": Row(ck.data.Augmentation(**COLOURED), False, True),
    **{
        f"all, {fill}": Row(ck.data.Augmentation(**{**vars(WHOLE), "fill": fill}))
        for fill in ("nearest", "reflect", "wrap", "constant")
    },
    "all with colours": Row(ck.data.Augmentation(**{**vars(WHOLE), **COLOURED}), True, True),
    "gentle": Row(ck.data.Augmentation.gentle()),
    "lecture": Row(ck.data.Augmentation.lecture(), True, True),
    "one operation": Row(ck.data.RandAugment(1, 20), True, True),
    "three operations": Row(ck.data.RandAugment(3, 9), True, True),
    "erasing": Row(ck.data.RandomErasing(0.9), False, True, erases=True),
    "no steps": Row(ck.data.Chain(()), moves=False),
    "a chain": Row(ck.data.Chain((ck.data.RandAugment(1, 12), ck.data.Augmentation.gentle())), True, True),
    "chains": Row(
        ck.data.Chain((ck.data.Chain((WHOLE, ck.data.RandAugment(1, 9))), ck.data.RandomErasing(0.9))),
        True,
        True,
        erases=True,
    ),
    "crop": Row(ck.data.RandomCrop((70, 90), scale=(0.6, 2))),
    **{
        f"crop, {fill}": Row(ck.data.RandomCrop((90, 70), (0.6, 1.5), rotation=30, horizontal_flip=True, fill=fill))
        for fill in ("mean", "nearest", "reflect")
    },
    "crop of most": Row(ck.data.RandomCrop((90, 88), (0.8, 1.3), rotation=20, horizontal_flip=True)),
    "crops in a chain": Row(
        ck.data.Chain((ck.data.RandomCrop((75, 90), (0.6, 1.5)), ck.data.Augmentation(**COLOURED))), True, True
    ),
    "elastic": Row(ck.data.Elastic(3)),
    "elastic, four nodes": Row(ck.data.Elastic(2, nodes=4, fill="constant")),
    "elastic in a chain": Row(
        ck.data.Chain((ck.data.Elastic(2), ck.data.RandomCrop((80, 84), (1, 1.3), rotation=20, horizontal_flip=True)))
    ),
    "moves twice": Row(ck.data.Chain((ck.data.Augmentation.gentle(), ck.data.Augmentation(rotation=20, zoom=0.1)))),
}
TWICE = ("moves twice", "elastic in a chain")
SIZES = ((96, 96), (80, 120), (121, 75))
ROWS_AND_SIZES = list(product(ROWS, SIZES))
SPREAD = 2.0  # of a blob, in pixels
# Colours are whole numbers, of which posterizing keeps eight: a blob is made of steps.
ROUNDED = ("one operation", "three operations", "a chain")


def drawn(name: str, size: tuple[int, int], seed: int) -> ck.data.View:
    view: ck.data.View = ROWS[name].augment.view(size, np.random.default_rng(seed))
    return view


def moved(matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) points by a matrix (3, 3), by the definition."""
    columns = matrix @ np.vstack([points.T, np.ones(len(points))])
    return np.asarray((columns[:2] / columns[2]).T, np.float64)


def there(view: ck.data.View, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where points lie in a view: by its matrix alone, by the definition, if nothing is bent."""
    return view.moved(points) if view.bends else moved(view.positions, points)


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    """A picture that linear interpolation follows."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 90 * np.sin(x / 9 + y / 31), 127 + 90 * np.cos(y / 11), 127 + 60 * np.sin((x + 2 * y) / 17)]
    return np.stack(waves, axis=-1).astype(np.uint8)


def with_blobs(height: int, width: int, points: NDArray[np.float64]) -> NDArray[np.float32]:
    """A Gaussian blob around each point, in continuous pixels, on the grey that operations uncover."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    share = np.sum([np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * SPREAD**2)) for a, b in points], axis=0)
    return (GREY + (np.array([235.0, 60.0, 150.0]) - GREY) * share[..., None]).astype(np.float32)


def centroid(pixels: NDArray[np.float32], point: NDArray[np.float64], reach: int) -> NDArray[np.float64] | None:
    """The centre of what stands out around a point, in continuous pixels; None where the window leaves the picture."""
    left, top = np.floor(point).astype(int) - reach
    height, width = pixels.shape[:2]
    if left < 0 or top < 0 or left + 2 * reach + 1 > width or top + 2 * reach + 1 > height:
        return None
    window = pixels[top : top + 2 * reach + 1, left : left + 2 * reach + 1].astype(np.float64)
    border = np.concatenate([window[0], window[-1], window[:, 0], window[:, -1]])
    ground = np.median(border, axis=0)
    if np.abs(border - ground).max() > 1.01:
        return None  # the edge of the picture, or of what was erased, runs through it
    weights = np.abs(window - ground).sum(axis=2)
    if weights.max() < 4:
        return None  # as grey as its ground
    y, x = np.mgrid[0 : 2 * reach + 1, 0 : 2 * reach + 1] + 0.5
    return np.array([left + (weights * x).sum() / weights.sum(), top + (weights * y).sum() / weights.sum()])


def blob_centre(view: ck.data.View, point: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """The centroid that a view of the blob around a point has: where the point lies, but for what bends the blob."""
    (place,) = there(view, point[None])
    if not view.bends:
        return place
    steps = np.arange(0, 2 * reach + 1, 1 / 2) + 1 / 4
    x, y = np.meshgrid(*(np.floor(place) - reach)[:, None] + steps)
    around = np.stack([x, y], axis=-1)
    weights = np.exp(-((view.origins(around) - point) ** 2).sum(axis=-1) / (2 * SPREAD**2))
    centre = np.asarray((weights[..., None] * around).sum(axis=(0, 1)) / weights.sum(), np.float64)
    assert np.hypot(*(centre - place)) < 0.5  # it is bent, not torn
    return centre


def resampled(
    picture: NDArray[Any], view: ck.data.View, size: tuple[int, int]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """A view by the definition: each of its pixels at the place where it was; and which of them were in the picture."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]] + 0.5
    centres = np.stack([x.ravel(), y.ravel()], axis=-1)
    origins = view.origins(centres) if view.bends else moved(view.inverse(), centres)
    height, width = picture.shape[:2]
    # Nearer than half a pixel to the edge a pixel is blended with what fills the outside.
    inside = ((origins >= 0.51) & (origins <= [width - 0.51, height - 0.51])).all(axis=1).reshape(size)
    channels = [
        ndimage.map_coordinates(picture[..., channel].astype(np.float64), (origins - 0.5)[:, ::-1].T, order=1)
        for channel in range(3)
    ]
    return np.stack(channels, axis=-1).reshape(*size, 3), inside


def test_every_augmenter_has_a_row() -> None:
    def kinds(augment: Any) -> set[type]:
        steps = augment.steps if isinstance(augment, ck.data.Chain) else ()
        return {type(augment)}.union(*(kinds(step) for step in steps))

    public = {value for name in ck.data.__all__ if isinstance(value := getattr(ck.data, name), type)}
    makers = {kind for kind in public if callable(getattr(kind, "view", None))} - {ck.data.ViewAugmenter}
    assert makers == set().union(*(kinds(row.augment) for row in ROWS.values()))
    assert all(placing(row.augment) for row in ROWS.values())


@pytest.mark.parametrize(("name", "size"), ROWS_AND_SIZES)
def test_a_view_is_a_function_of_chance_and_apply_gives_its_pixels(name: str, size: tuple[int, int]) -> None:
    picture, row = smooth(*size), ROWS[name]
    before, versions = picture.copy(), set()
    for seed in range(8):
        chances = [np.random.default_rng(seed) for _ in range(3)]
        one, same = (row.augment.view(size, chance) for chance in chances[:2])
        pixels = one.pixels(picture)
        assert (pixels.dtype, pixels.shape) == (np.float32, (*(one.size or size), 3))
        assert 0 <= pixels.min() <= pixels.max() <= 255
        assert (one.positions == same.positions).all()
        assert (one.moved(np.array([[9.0, 30], [50, 8]])) == same.moved(np.array([[9.0, 30], [50, 8]]))).all()
        for other in (same.pixels(picture), one.pixels(picture), row.augment.apply(picture, chances[2])):
            assert (pixels == other).all()  # all chance is in the view
        assert len({chance.random() for chance in chances}) == 1  # as many numbers were drawn
        versions.add(pixels.tobytes())
    assert (picture == before).all()
    assert len(versions) > 2 or not (row.moves or row.colours)


@pytest.mark.parametrize(("name", "size"), ROWS_AND_SIZES)
def test_matrices_are_affine_and_the_identity_where_nothing_moves(name: str, size: tuple[int, int]) -> None:
    views = [drawn(name, size, seed) for seed in range(12)]
    matrices = [view.positions for view in views]
    for matrix in matrices:
        assert (matrix.shape, matrix.dtype) == ((3, 3), np.float64)
        assert matrix[2].tolist() == [0, 0, 1]
        assert abs(np.linalg.det(matrix)) > 0.05
    assert any((view.positions != np.eye(3)).any() or view.bends for view in views) == ROWS[name].moves


@pytest.mark.parametrize(("name", "size"), ROWS_AND_SIZES)
def test_every_way_leads_back(name: str, size: tuple[int, int]) -> None:
    points = np.random.default_rng(0).uniform(0, 70, (20, 2))
    for seed in range(4):
        view = drawn(name, size, seed)
        assert np.abs(view.origins(there(view, points)) - points).max() < 1e-3


@pytest.mark.parametrize(("name", "size"), [case for case in ROWS_AND_SIZES if not ROWS[case[0]].colours])
def test_each_pixel_was_where_the_matrix_says(name: str, size: tuple[int, int]) -> None:
    picture, shown = smooth(*size), 0
    for seed in range(8):
        view = drawn(name, size, seed)
        expected, inside = resampled(picture, view, view.size or size)
        if name in TWICE:  # resampled twice, and the first view has an edge of its own
            inside = ndimage.binary_erosion(inside, iterations=8)
        assert np.abs(view.pixels(picture) - expected)[inside].max(initial=0) < (2.5 if name in TWICE else 0.05)
        shown += int(inside.sum())
    assert shown > size[0] * size[1]  # of 8 views: an eighth and more of each


@pytest.mark.parametrize(("name", "size"), [case for case in ROWS_AND_SIZES if not ROWS[case[0]].erases])
def test_moved_points_lie_on_their_blobs(name: str, size: tuple[int, int]) -> None:
    height, width = size
    points = np.array([[x, y] for x in (0.3, 0.71) for y in (0.33, 0.7)]) * [width, height]
    picture, distances = with_blobs(height, width, points), []
    for seed in range(16):
        view = drawn(name, size, seed)
        pixels = view.pixels(picture)
        reach = int(np.ceil(4 * SPREAD * np.linalg.norm(view.positions[:2, :2], 2))) + 1
        for point in points:
            expected = blob_centre(view, point, reach)
            if (centre := centroid(pixels, expected, reach)) is not None:
                distances.append(float(np.hypot(*(centre - expected))))
    assert len(distances) >= 12
    assert max(distances) < (0.15 if name in ROUNDED else 0.05)


@pytest.mark.parametrize("strength", [-1.0, -0.3, 0.6])
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_moves_points_as_its_row_says(name: str, strength: float) -> None:
    seed = next(
        seed
        for seed in range(2000)
        if list(OPERATIONS)[int(14 * np.random.default_rng(seed).random((1, 2))[0, 0])] == name
        and (np.random.default_rng(seed).random((1, 2))[0, 1] < 0.5) == (strength < 0)
    )
    view = RandAugment(1, 30 * abs(strength)).view((90, 110), np.random.default_rng(seed))
    assert (view.positions != np.eye(3)).any() == (name in ORIGINS)
    points = np.array([[35.0, 30.5], [71.2, 60.0], [40.0, 66.0]])
    pixels = view.pixels(with_blobs(90, 110, points))
    centres = [(point, centroid(pixels, point, 9)) for point in moved(view.positions, points)]
    seen = [np.hypot(*(centre - point)) for point, centre in centres if centre is not None]
    assert seen
    assert max(seen) < 0.1  # of whole numbers, as all operations give them


def test_erasing_changes_one_rectangle_and_moves_nothing() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    for seed in range(20):
        view = drawn("erasing", (60, 80), seed)
        assert (view.positions == np.eye(3)).all()
        changed = view.pixels(picture).any(axis=2)
        if changed.any():
            rows, columns = np.nonzero(changed)
            assert (np.ptp(rows) + 1) * (np.ptp(columns) + 1) - changed.sum() <= 1


def scene_truth(index: int) -> Boxes:
    """The objects of a drawn scene: each a class of its own, with its box, its mask and its visible keypoints."""
    scene = render_scene(7, index, 96)
    count, corners = len(scene.masks), scene.boxes.astype(np.float64)
    corners[:, 2:] += corners[:, :2]
    masks = Masks.of_arrays(("ground", "thing"), scene.masks.astype(np.uint8))
    shown = np.where(scene.keypoints[..., 2] == 2, 2, 0)
    points = Points(tuple(map(str, range(17))), scene.keypoints[..., :2], shown)
    names = tuple(f"thing {number}" for number in range(count))
    return Boxes.of_lists(names, [corners], [range(count)], masks=masks, points=points)


def near(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """The pixels of a mask and their neighbours."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))).astype(bool)


@pytest.mark.parametrize("index", range(5))
@pytest.mark.parametrize(
    "name", ["all, constant", "gentle", "flips", "rotation", "crop of most", "moves twice", "elastic"]
)
def test_moved_boxes_hold_their_moved_masks_and_visible_points_lie_on_them(name: str, index: int) -> None:
    truth = scene_truth(index)
    view = drawn(name, (96, 96), index)
    moved_truth = truth.moved(view.positions, view.size or (96, 96), [view.bends] * len(truth), least=0)
    assert moved_truth.masks is not None
    assert truth.masks is not None
    assert moved_truth.points is not None
    assert len(moved_truth.boxes)
    for row, (label, (x1, y1, x2, y2)) in enumerate(zip(moved_truth.labels, moved_truth.boxes, strict=True)):
        before, after = truth.masks.mask(int(label)), moved_truth.masks.mask(row)
        # The mask as a picture, through the pixels of the view; where it blends with something else it is not sure.
        shown = view.pixels(np.repeat(255 * before[..., None], 3, axis=2))[..., 0]
        rim = near(before) & near(1 - before)
        unsure = view.pixels(np.repeat(255 * near(rim)[..., None].astype(np.uint8), 3, axis=2))[..., 0] > 0
        sure = (after != VOID) & ~unsure
        assert ((shown > 127) == (after == 1))[sure].all()
        rows, columns = np.nonzero(after == 1)
        assert ((columns + 0.5 >= x1) & (columns + 0.5 <= x2) & (rows + 0.5 >= y1) & (rows + 0.5 <= y2)).all()
        visible = moved_truth.points.shown[row] == 2
        across, down = np.floor(moved_truth.points.values[row, visible]).astype(int).T
        assert near(after == 1)[down, across].all()


def test_visible_points_were_tested() -> None:
    counts = [int((scene_truth(index).points.shown == 2).sum()) for index in range(5)]  # type: ignore[union-attr]
    assert sum(counts) > 10


@pytest.mark.parametrize("size", [(47, 50), (60, 33), (130, 101), (80, 96)])
@pytest.mark.parametrize("resize", ["crop", "squash", "pad"])
def test_framed_masks_are_those_of_framed_pictures(resize: Any, size: tuple[int, int]) -> None:
    """Pillow's nearest pixels of the mask as a picture, but for centres that lie between two pixels."""
    framing = ck.data.Framing(resize, "nearest")
    semantic = render_scene(7, 2, 96).semantic[:80]
    positions = framing.positions((80, 96), size)
    masks = Masks.of_arrays(tuple(map(str, range(40))), [semantic]).moved(positions, size)
    framed = framing.apply(np.repeat(semantic[..., None], 3, axis=2), size)[..., 0]
    known = masks.mask(0) != VOID
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]] + 0.5
    origins = moved(np.linalg.inv(positions), np.stack([columns.ravel(), rows.ravel()], axis=-1))
    between = (np.abs(origins - np.rint(origins)) < 1e-6).any(axis=1).reshape(size)
    assert (framed == masks.mask(0))[known & ~between].all()
    assert (known & ~between).mean() > 0.2
    assert (framed[~known] == 124).all()


def test_chains_multiply_and_bring_back() -> None:
    steps = (WHOLE, ck.data.RandAugment(2, 12), ck.data.RandomErasing(0.5), ck.data.Augmentation.gentle())
    picture = smooth(64, 80)
    for seed in range(8):
        whole = ck.data.Chain(steps).view((64, 80), np.random.default_rng(seed))
        chance = np.random.default_rng(seed)
        positions, pixels = np.eye(3), picture.astype(np.float32)
        for step in steps:
            view = step.view((64, 80), chance)
            positions, pixels = view.positions @ positions, view.pixels(pixels)
        assert np.abs(whole.positions - positions).max() < 1e-9
        assert (whole.pixels(picture) == pixels).all()
        points = np.random.default_rng(0).uniform(0, 64, (9, 2))
        assert moved(whole.inverse(), moved(whole.positions, points)) == pytest.approx(points)


FRAMINGS = [
    ck.data.Framing(resize, interpolation, fraction)  # type: ignore[arg-type]  # products of literals
    for resize, interpolation in product(("crop", "squash", "pad"), ("bilinear", "bicubic", "area", "nearest"))
    for fraction in ((1.0, 0.875, 0.5) if resize == "crop" else (1.0,))
]
SHAPES = [
    ((60, 60), (24, 24)),
    ((60, 60), (60, 60)),
    ((40, 62), (25, 25)),
    ((62, 40), (25, 31)),
    ((24, 60), (16, 40)),
    ((40, 40), (90, 64)),
    ((23, 61), (61, 23)),
    ((62, 55), (7, 5)),
    ((61, 60), (60, 60)),
    ((3, 62), (20, 20)),
]


@pytest.mark.parametrize(("shape", "size"), SHAPES)
@pytest.mark.parametrize("framing", FRAMINGS, ids=lambda framing: f"{framing.resize} {framing.interpolation}")
def test_framed_ramps_say_where_each_pixel_was(framing: Any, shape: tuple[int, int], size: tuple[int, int]) -> None:
    """A picture whose red is its column and whose green is its row, times a step that fills 0…250."""
    (height, width), positions = shape, framing.positions(shape, size)
    if shape == size:
        assert (positions == np.eye(3)).all()
    y, x = np.mgrid[0:height, 0:width]
    steps = np.array([250 // max(width - 1, 1), 250 // max(height - 1, 1)])
    ramp = np.stack([x * steps[0], y * steps[1], np.full(shape, 7)], axis=-1).astype(np.uint8)
    framed = framing.apply(ramp, size)
    rows, columns = np.mgrid[0 : size[0], 0 : size[1]] + 0.5
    origins = moved(np.linalg.inv(positions), np.stack([columns.ravel(), rows.ravel()], axis=-1))
    seen = ((origins >= 0) & (origins <= [width, height])).all(axis=1)
    bars = (framed.reshape(-1, 3) == (124, 116, 104)).all(axis=1)
    assert (bars == ~seen).all()  # what was not in the photograph is the bars that "pad" makes
    assert framing.resize == "pad" or seen.all()
    shown = framed.reshape(-1, 3)[:, :2] / steps + 0.5
    for axis in range(2):
        # At the edge a filter sees less on one side: leave out as many pixels as it reaches.
        scale = max(1.0, 1 / positions[axis, axis])
        reach = 0.0 if framing.interpolation == "nearest" else 2.01 * scale + 0.5
        inner = seen & (origins[:, axis] >= reach) & (origins[:, axis] <= shape[1 - axis] - reach)
        error = (shown - origins)[inner, axis]
        # A single pixel is up to half a pixel away, a box counts whole pixels; values are rounded to half a step.
        near = 0.5 if framing.interpolation in ("nearest", "area") else 0.07
        assert np.abs(error).max(initial=0) <= near + 0.5 / steps[axis] + 1e-6


def test_the_same_seed_epoch_and_index_give_the_same_view() -> None:
    for name, row in ROWS.items():
        if row.augment.view((48, 48), np.random.default_rng(0)).bends:
            continue  # no matrix says it; tests/data/targets/test_bends.py does
        first, again, *others = (
            placement(
                (70, 90), ck.data.Framing("pad"), (48, 48), augment=row.augment, seed=seed, epoch=epoch, index=index
            )
            for seed, epoch, index in (
                (3, 2, 5),
                (3, 2, 5),
                (4, 2, 5),
                (3, 1, 5),
                *((3, 2, index) for index in range(6, 20)),
            )
        )
        assert (first == again).all()
        assert any((first != other).any() for other in others) == row.moves, name
