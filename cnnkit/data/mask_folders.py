"""Photographs and their masks in two folders, matched by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.dataset import Dataset
from cnnkit.data.image_folder import FileReader
from cnnkit.data.mask_files import MaskReader, mask_shape, raw_mask
from cnnkit.data.matched_files import Folders, Pair, dataset_of_pairs, matched, require_equal_sizes
from cnnkit.data.palettes import Colour, Palette, Value, colour_of, palette_of
from cnnkit.data.split import DEFAULT_SPLIT
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.stored import Stored, in_threads
from cnnkit.metrics.label_maps import VOID

Classes = Sequence[str] | Mapping[str, int] | Mapping[str, Colour] | None
Void = int | Colour | list[int | Colour] | None


def masks(
    images: Folders,
    masks: Folders,
    classes: Classes,
    *,
    void: Void = VOID,
    endings: tuple[str, str] = ("", ""),
    split: Sequence[float] = DEFAULT_SPLIT,
    seed: int = 0,
) -> Dataset:
    """Photographs with one class per pixel, of two folders.

    A mask has the path of its picture, below the other folder, but for the ending of the file: `street/1.jpg` and
    `street/1.png`. Folders `train`, `validation` and `test` directly below (under any name that `ck.data.folder`
    knows; those of masks may be called `trainannot`, `val_labels` and the like too) are the parts of the dataset.
    Otherwise `split` and `seed` divide the pictures, in proportion of the classes that their masks show.

    Masks are decoded when they are asked for, and to divide the pictures. Their headers are read at once: every mask
    is there, has the size of its picture (upright), and is a file that can hold classes.

    Args:
        images: The folder of the pictures; or one folder per part: `{"train": …, "validation": …, "test": …}`.
        masks: The folder of the masks; or one folder per part. Grey, indexed or RGB files that keep every value: PNG,
            BMP, TIFF, of 8 bits or fewer.
        classes: The names, whose places are the numbers in the masks; or name → number in the masks, 0…255; or name →
            (red, green, blue), which the masks or their palettes show. None: a class for each number or colour that
            occurs, named like it; reads all masks.
        void: What stands for pixels of which nothing is known: a number, a tuple (red, green, blue), a list of several,
            or None. The default 255 may be a class all the same.
        endings: What stands between a name and the suffix of the file, of pictures and of masks: `("", "_L")` for
            `a.png` and `a_L.png`. Files that end otherwise are passed over; the two folders may then be one.
        split: The shares of train, validation and test, as for `ck.data.folder`.
        seed: Another seed, another split.

    Returns:
        The dataset; ids are paths of pictures below `images`, of one folder per part with its name before them.

    Raises:
        InputError: Classes or void that are neither of these, or that mean the same value.
        DataError: No pictures; a picture without a mask, a mask without a picture, two of one name, one of another
            size; and when masks are read, a number or colour that is neither a class nor void.
        ImageFileError: A mask in a JPEG, of 16 bits, transparent, or damaged; a picture that is none.

    >>> photos = masks("camvid/images", "camvid/masks", ["sky", "road"], void=11)  # doctest: +SKIP
    """
    palette = None if classes is None else palette_of(classes, void)
    pairs, ignored = matched(images, masks, "mask", endings)
    files = [pair for part in pairs.values() for pair in part]
    if palette is None:
        palette = _palette_of_files([pair.partner for pair in files], palette_of(["any"], void).void)
    require_masks_of_their_size(files)
    reader = FileReader(Path(), tuple(pair.picture for pair in files))
    mask_reader = MaskReader(Path(), tuple(pair.partner for pair in files), palette)

    def truth(positions: NDArray[np.int64]) -> Masks:
        return Masks(palette.names, Stored(mask_reader, positions))

    return replace(dataset_of_pairs(pairs, reader, truth, split=split, seed=seed), ignored=ignored)


def require_masks_of_their_size(pairs: Sequence[Pair]) -> None:
    """Refuses a mask that has not the size of its picture; reads headers alone.

    Raises:
        DataError: Of the first that differs.
        ImageFileError: A mask of a kind that holds no classes.
    """
    remedy = "Resize it with nearest neighbours. Pictures are turned as their EXIF data says; masks never are."
    require_equal_sizes(pairs, "mask", lambda path: mask_shape(Path(path)), remedy)


def _palette_of_files(paths: Sequence[str], void: tuple[Value, ...]) -> Palette:
    """One class for each number that occurs; for each colour, where any file holds colours."""

    def of_file(index: int) -> tuple[list[int], list[int]]:
        raw = raw_mask(Path(paths[index]))
        if raw.numbers is None:
            return [], np.unique(raw.codes).tolist()
        numbers = np.unique(raw.numbers)
        return numbers.tolist(), raw.codes[numbers[numbers < len(raw.codes)]].tolist()

    each = in_threads(of_file, len(paths))
    if all(numbers for numbers, _ in each):
        values: list[Value] = sorted({number for numbers, _ in each for number in numbers} - set(void))
        return Palette(tuple(map(str, values)), tuple(values), void)
    unknown = {(value,) * 3 if isinstance(value, int) else value for value in void}
    colours = sorted({colour_of(code) for _, codes in each for code in codes} - unknown)
    return Palette(tuple("#{:02x}{:02x}{:02x}".format(*colour) for colour in colours), tuple(colours), void)
