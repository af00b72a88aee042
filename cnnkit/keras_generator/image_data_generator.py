"""Keras's `ImageDataGenerator`, its arguments, meaning, methods and pixels, at the speed of the hardware.

simplejpeg decodes and OpenCV warps, each picture once and in float32; threads share the pictures of a batch; decoded
pictures are kept while they fit. The result is Keras's: given the same parameters a picture differs by less than 0.005
of 255.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cnnkit.data.arguments import flag, path_of, said, size_of
from cnnkit.data.views.affine import FILLS
from cnnkit.errors import InputError
from cnnkit.keras_generator.arguments import check_generator, check_saving
from cnnkit.keras_generator.flow import ArrayFlow, FileFlow, Saving, for_keras
from cnnkit.keras_generator.labelled_files import LabelledFiles, in_directory, in_table, share
from cnnkit.keras_generator.load_image import DECODES, LoadImage
from cnnkit.keras_generator.random_view import Parameters, Resampling, chance_of, random_parameters, view_of

DATA_FORMATS = {"channels_last": (1, 2, 3), "channels_first": (2, 3, 1)}  # axes of rows, columns and channels
EPSILON = 1e-6  # Keras's, beside a standard deviation


class ImageDataGenerator:
    """Random views of pictures and their normalization, as a drop-in for Keras's class.

    The order of things is Keras's: rotation, shift, shear and zoom in one warp; channel shift; flips; brightness;
    then `preprocessing_function`, `rescale`, and the sample- and featurewise normalizations.

    Some of its meanings surprise, and are kept, as a drop-in must (`Augmentation` has none of them but the first two):

    * `shear_range` is in degrees: 0.2 is nothing to see.
    * `channel_shift_range` is of the values 0…255, clipped to the picture's own darkest and brightest.
    * In Keras 3 `height_shift_range` moves pictures sideways, by a part of their height, and `width_shift_range` up and
      down, by a part of their width.
    * The middle of a picture that is not square is taken at (half its height, half its width), counted (x, y).
    * `brightness_range` works on whole numbers: fractions are cut off. A value within 0.005 of the next one may be cut
      to another, so that here a few in a thousand are off by one.
    * `fill_mode="wrap"` lays the last row and column on top of the first.

    What is different: nothing is drawn from NumPy's global generator while batches are made, so the same seed gives the
    same batches on any number of threads; and the three arguments at the end.

    Args:
        featurewise_center: Takes the mean of the pictures given to `fit` away, channel by channel.
        samplewise_center: Takes each picture's own mean away.
        featurewise_std_normalization: Divides by the standard deviation of the pictures given to `fit`.
        samplewise_std_normalization: Divides each picture by its own standard deviation.
        zca_whitening: Decorrelates the pixels by what `fit` found.
        zca_epsilon: Against division by zero in it.
        rotation_range: Up to this many degrees either way.
        width_shift_range: A float below 1 is a part, from 1 on pixels, either way; a whole number k draws one of 0 …
            k − 1 pixels and a sign; a list is drawn from, with a sign.
        height_shift_range: Likewise.
        brightness_range: (lowest, highest) factor.
        shear_range: Up to this many degrees either way.
        zoom_range: z for factors in [1 − z, 1 + z], or (lowest, highest), drawn for both axes; below 1 enlarges.
        channel_shift_range: Up to this much is added to all channels or taken away.
        fill_mode: What is outside a picture: `"nearest"`, `"reflect"`, `"wrap"`, `"constant"`, or another of SciPy's.
        cval: The value there with `"constant"`.
        horizontal_flip: Mirrors a picture with probability 1/2, each by its own coin.
        vertical_flip: Turns a picture upside down with probability 1/2, each by its own coin.
        rescale: A factor on all values, after everything else.
        preprocessing_function: From one picture to one of the same shape. It is called from several threads.
        data_format: `"channels_last"` or `"channels_first"`; `keras.config.image_data_format()` by default.
        validation_split: The part of the pictures that `subset="validation"` is, 0 ≤ split < 1.
        interpolation_order: Of the spline: 1 is linear. Others are left to SciPy, as in Keras, and are as slow.
        dtype: Of the batches; `keras.config.floatx()` by default.
        decode: `"exact"`: Keras's pixels. `"scaled"`: JPEGs at 1/2, 1/4 or 1/8 where four fifths of the target size
            remain, brought to it by the same bilinear warp: faster, and smoother than Keras's nearest pixels.
        keep_bytes: What decoded pictures of one flow may take in memory; a quarter of what is free by default. 0
            decodes each file in each epoch.
        threads: How many work on a batch; as many as there are cores by default, at most 16.

    Raises:
        InputError: What Keras refuses, and ranges of another form.
        UnknownNameError: A fill mode, a data format or a way to decode that does not exist.

    >>> generator = ImageDataGenerator(rescale=1 / 255, data_format="channels_last", dtype="float32")
    >>> generator.standardize(np.full((1, 1, 3), 255, np.float32)).tolist()
    [[[1.0, 1.0, 1.0]]]
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: float | Sequence[float] = 0.0,
        height_shift_range: float | Sequence[float] = 0.0,
        brightness_range: Sequence[float] | None = None,
        shear_range: float = 0.0,
        zoom_range: float | Sequence[float] = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[NDArray[Any]], NDArray[Any]] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: str | None = None,
        *,
        decode: str = "exact",
        keep_bytes: int | None = None,
        threads: int | None = None,
    ) -> None:
        given = dict(locals())
        if data_format is None or dtype is None:
            import keras  # heavy, and there already in any program that trains

            data_format = keras.config.image_data_format() if data_format is None else data_format
            dtype = keras.config.floatx() if dtype is None else dtype
        names = {"data_format": DATA_FORMATS, "fill_mode": FILLS, "decode": DECODES}
        check_generator(given | {"data_format": data_format, "dtype": dtype}, names)

        self.featurewise_center = featurewise_center
        self.samplewise_center = samplewise_center
        self.featurewise_std_normalization = featurewise_std_normalization
        self.samplewise_std_normalization = samplewise_std_normalization
        self.zca_whitening = zca_whitening
        self.zca_epsilon = zca_epsilon
        self.rotation_range = rotation_range
        self.width_shift_range = width_shift_range
        self.height_shift_range = height_shift_range
        self.brightness_range = brightness_range
        self.shear_range = shear_range
        self.zoom_range = (
            [zoom_range[0], zoom_range[1]]
            if isinstance(zoom_range, Sequence | np.ndarray)
            else [1 - zoom_range, 1 + zoom_range]
        )
        self.channel_shift_range = channel_shift_range
        self.fill_mode = fill_mode
        self.cval = cval
        self.horizontal_flip = horizontal_flip
        self.vertical_flip = vertical_flip
        self.rescale = rescale
        self.preprocessing_function = preprocessing_function
        self.data_format = data_format
        self.row_axis, self.col_axis, self.channel_axis = DATA_FORMATS[data_format]
        self.validation_split = validation_split
        self.interpolation_order = interpolation_order
        self.dtype = np.dtype(dtype).name
        self.decode = decode
        self.keep_bytes = keep_bytes
        self.threads = threads or min(os.cpu_count() or 1, 16)
        self.mean: Any = None  # these three by `fit`
        self.std: Any = None
        self.zca_whitening_matrix: Any = None
        self._imply("zca_whitening", featurewise_center=True, featurewise_std_normalization=False)
        self._imply("featurewise_std_normalization", featurewise_center=True)
        self._imply("samplewise_std_normalization", samplewise_center=True)

    def flow(
        self,
        x: Any,
        y: ArrayLike | None = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: ArrayLike | None = None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> ArrayFlow:
        """Batches from arrays.

        Args:
            x: (n, h, w, c) in the generator's data format, or a pair of it and further inputs, one array or a list.
            y: Targets, the first axis is the picture; None for batches of pictures alone.
            batch_size: Pictures a batch.
            shuffle: Whether each epoch has an order of its own.
            sample_weight: (n,).
            seed: Of orders and views; None draws one from NumPy's global generator.
            save_to_dir: A folder where batches are also written as pictures.
            save_prefix: What their names begin with.
            save_format: `"png"` or `"jpeg"`.
            ignore_class_split: Whether the two subsets may have different classes.
            subset: `"training"` or `"validation"`: the first `validation_split` of the pictures.

        Raises:
            InputError: Another rank, lengths that differ, or subsets with different classes.
            UnknownNameError: Another subset.
        """
        first, rest = (x[0], x[1]) if isinstance(x, tuple | list) and len(x) == 2 else (x, [])
        images = _numbers(first, "x")
        others = [_numbers(other, "x[1]") for other in (rest if isinstance(rest, list) else [rest])]
        targets = None if y is None else np.asarray(y)
        weights = None if sample_weight is None else _numbers(sample_weight, "sample_weight")
        flag(ignore_class_split, "ignore_class_split")
        for name, array in (("y", targets), ("sample_weight", weights), *(("x[1]", other) for other in others)):
            if array is not None and array.shape[:1] != images.shape[:1]:
                raise InputError(
                    f"{name} as long as x, {images.shape[:1]}", f"shape {array.shape}", "Give one entry a picture."
                )
        if (part := share(subset, self.validation_split)) is not None:
            middle = int(len(images) * self.validation_split)
            if targets is not None and not ignore_class_split:
                _refuse_other_classes(targets[:middle], targets[middle:])
            chosen = slice(0, middle) if part[0] == 0 else slice(middle, None)
            images, others = images[chosen], [other[chosen] for other in others]
            targets = None if targets is None else targets[chosen]
            weights = None if weights is None else weights[chosen]
        self._check_rank(images)
        flow: ArrayFlow = for_keras(ArrayFlow)(
            self,
            images,
            others=others,
            y=targets,
            sample_weight=weights,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            saving=_saving(save_to_dir, save_prefix, save_format),
        )
        return flow

    def flow_from_directory(
        self,
        directory: str | os.PathLike[str],
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> FileFlow:
        """Batches from class folders.

        Args:
            directory: With one folder a class, searched to any depth.
            target_size: (height, width).
            color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
            classes: The folders in the order of the class indices; all, sorted, by default.
            class_mode: `"categorical"` (one-hot), `"binary"` or `"sparse"` (indices), `"input"` (the pictures) or None.
            batch_size: Pictures a batch.
            shuffle: Whether each epoch has an order of its own.
            seed: Of orders and views; None draws one from NumPy's global generator.
            save_to_dir: A folder where batches are also written as pictures.
            save_prefix: What their names begin with.
            save_format: `"png"` or `"jpeg"`.
            follow_links: Whether links to folders are entered.
            subset: `"training"` or `"validation"`: the first `validation_split` of each class.
            interpolation: Pillow's `"nearest"`, `"bilinear"`, `"bicubic"`, `"box"`, `"hamming"` or `"lanczos"`.
            keep_aspect_ratio: Whether the middle is cut out instead of squashing the whole.

        Raises:
            DataError: No folder, or no pictures.
            UnknownNameError: A class mode, a class, a subset, a color mode or an interpolation that does not exist.
        """
        files = in_directory(
            str(path_of(directory, "a folder of class folders")),
            classes=classes,
            class_mode=class_mode,
            part=share(subset, self.validation_split),
            follow_links=follow_links,
        )
        print(f"Found {len(files.filenames)} images belonging to {len(files.class_indices or ())} classes.")
        size = size_of(target_size, "target_size")
        load = LoadImage(size, color_mode, interpolation, keep_aspect_ratio, self.decode)
        saving = _saving(save_to_dir, save_prefix, save_format)
        return self._file_flow(files, load, class_mode, batch_size, shuffle=shuffle, seed=seed, saving=saving)

    def flow_from_dataframe(
        self,
        dataframe: pd.DataFrame,
        directory: str | os.PathLike[str] | None = None,
        x_col: str = "filename",
        y_col: str | list[str] = "class",
        weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
    ) -> FileFlow:
        """Batches from files named in a table.

        Args:
            dataframe: One row a picture.
            directory: What the names are below; None where they are whole paths.
            x_col: The column of file names, with their endings.
            y_col: The column of labels; a list of columns for `"multi_output"`, and possibly for `"raw"`.
            weight_col: The column of sample weights.
            target_size: (height, width).
            color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
            classes: Names in the order of the class indices; by default all, sorted. Rows of others are left out.
            class_mode: As for `flow_from_directory`, and `"raw"` (the column as it is) and `"multi_output"`.
            batch_size: Pictures a batch.
            shuffle: Whether each epoch has an order of its own.
            seed: Of orders and views; None draws one from NumPy's global generator.
            save_to_dir: A folder where batches are also written as pictures.
            save_prefix: What their names begin with.
            save_format: `"png"` or `"jpeg"`.
            subset: `"training"` or `"validation"`: the first `validation_split` of the rows.
            interpolation: As for `flow_from_directory`.
            validate_filenames: Whether rows without a picture file are left out, with a warning.

        Raises:
            InputError: Columns or labels that do not fit the class mode.
            DataError: No pictures.
            UnknownNameError: A column, a class mode, a subset, a color mode or an interpolation that does not exist.
        """
        files = in_table(
            dataframe,
            directory=None if directory is None else str(path_of(directory, "the folder of the pictures")),
            x_col=x_col,
            y_col=y_col,
            weight_col=weight_col,
            classes=classes,
            class_mode=class_mode,
            part=share(subset, self.validation_split),
            validate_filenames=validate_filenames,
        )
        belonging = f" belonging to {len(files.class_indices)} classes" if files.class_indices else ""
        validated = "validated" if validate_filenames else "non-validated"
        print(f"Found {len(files.filenames)} {validated} image filenames{belonging}.")
        load = LoadImage(size_of(target_size, "target_size"), color_mode, interpolation, decode=self.decode)
        saving = _saving(save_to_dir, save_prefix, save_format)
        return self._file_flow(files, load, class_mode, batch_size, shuffle=shuffle, seed=seed, saving=saving)

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict[str, Any]:
        """The parameters of one random transformation.

        Args:
            img_shape: Of the picture, in the generator's data format.
            seed: Gives what Keras draws for it, but leaves NumPy's global generator alone; None draws from that.

        Returns:
            `theta` and `shear` in degrees, `tx` and `ty` in pixels, the factors `zx` and `zy`, `flip_horizontal`,
            `flip_vertical`, `channel_shift_intensity` and `brightness` (None where they are switched off).
        """
        return self.drawn(img_shape, chance_of(seed))

    def apply_transform(self, x: NDArray[Any], transform_parameters: Parameters) -> NDArray[Any]:
        """The transformation with the given parameters.

        Args:
            x: One picture, in the generator's data format; it is left alone.
            transform_parameters: As of `get_random_transform`; what is missing is left out.

        Returns:
            A picture of the same shape: float32, or of the type of `x` where no values are shifted or enhanced.
        """
        picture = np.moveaxis(x, self.channel_axis - 1, -1)
        whole = np.issubdtype(x.dtype, np.integer)
        view = view_of(picture, transform_parameters, None, picture.shape[:2], self._resampling, whole=whole)
        shifted = any(transform_parameters.get(name) is not None for name in ("channel_shift_intensity", "brightness"))
        return np.moveaxis(view if shifted else view.astype(x.dtype, copy=False), -1, self.channel_axis - 1)

    def random_transform(self, x: NDArray[Any], seed: int | None = None) -> NDArray[Any]:
        """A random view of one picture: `apply_transform` with `get_random_transform`."""
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def standardize(self, x: NDArray[Any]) -> NDArray[Any]:
        """The normalizations, in place where they can be.

        Args:
            x: One picture or a batch, floats.

        Returns:
            The pictures, normalized.
        """
        if self.preprocessing_function:
            x = self.preprocessing_function(x)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + EPSILON
        if self.featurewise_center and self._is_fitted("featurewise_center", self.mean):
            x -= self.mean
        if self.featurewise_std_normalization and self._is_fitted("featurewise_std_normalization", self.std):
            x /= self.std + EPSILON
        if self.zca_whitening and self._is_fitted("zca_whitening", self.zca_whitening_matrix):
            x = np.reshape(x.reshape(-1, math.prod(x.shape[-3:])) @ self.zca_whitening_matrix, x.shape)
        return x

    def fit(self, x: ArrayLike, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Learns mean, standard deviation and ZCA from sample pictures.

        Args:
            x: (n, h, w, c) in the generator's data format, as they are before `rescale`.
            augment: Whether to learn from random views instead.
            rounds: How many views of each.
            seed: Of the views, which are Keras's for that seed; None draws from NumPy's global generator.

        Raises:
            InputError: Another rank.
        """
        images = np.array(x, self.dtype)
        self._check_rank(images)
        if self.rescale:
            images *= self.rescale
        if augment:
            chance = chance_of(seed)
            images = np.stack(
                [
                    self.apply_transform(image, self.drawn(image.shape, chance))
                    for _ in range(rounds)
                    for image in images
                ]
            ).astype(self.dtype)
        axes = (0, self.row_axis, self.col_axis)
        channels = [1, 1, 1]
        channels[self.channel_axis - 1] = images.shape[self.channel_axis]
        if self.featurewise_center:
            self.mean = np.mean(images, axis=axes).reshape(channels)
            images -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(images, axis=axes).reshape(channels)
            images /= self.std + EPSILON
        if self.zca_whitening:
            count = len(images)
            axes_of_variance, sizes, _ = np.linalg.svd(images.reshape(count, -1).T, full_matrices=False)
            scales = np.sqrt(count) / (sizes + self.zca_epsilon)
            self.zca_whitening_matrix = (axes_of_variance * scales) @ axes_of_variance.T

    def drawn(self, shape: Sequence[int], chance: np.random.RandomState) -> dict[str, Any]:
        """The parameters of a random transformation, as `random_parameters` draws them.

        Args:
            shape: Of one picture, in the generator's data format.
            chance: Where they are drawn from.
        """
        return random_parameters(self, (shape[self.row_axis - 1], shape[self.col_axis - 1]), chance)

    def make(
        self,
        picture: NDArray[Any],
        parameters: Parameters,
        frame: NDArray[np.float64] | None,
        out: NDArray[Any],
    ) -> None:
        """Transforms one picture, standardizes it and writes it to its place in a batch.

        Args:
            picture: (h, w, c).
            parameters: As of `drawn`.
            frame: The matrix that brings it to the size of `out`; None where it has that size.
            out: The place, in the generator's data format.
        """
        size = out.shape[self.row_axis - 1], out.shape[self.col_axis - 1]
        direct = out if self.data_format == "channels_last" and self.dtype == "float32" else None
        view = view_of(picture, parameters, frame, size, self._resampling, out=direct)
        if view is not direct:
            view = np.moveaxis(view, -1, self.channel_axis - 1).astype(self.dtype, copy=False)
        standardized = self.standardize(view)
        if standardized is not direct:
            out[...] = standardized

    def _file_flow(
        self,
        files: LabelledFiles,
        load: LoadImage,
        class_mode: str | None,
        batch_size: int,
        *,
        shuffle: bool,
        seed: int | None,
        saving: Saving | None,
    ) -> FileFlow:
        flow: FileFlow = for_keras(FileFlow)(
            self,
            files,
            load=load,
            class_mode=class_mode,
            keep_bytes=self.keep_bytes,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            saving=saving,
        )
        return flow

    @property
    def _resampling(self) -> Resampling:
        return Resampling(self.fill_mode, self.cval, self.interpolation_order)

    def _imply(self, setting: str, **implied: bool) -> None:
        """Switches on or off what goes with a setting, and says so."""
        for name, value in implied.items():
            if getattr(self, setting) and getattr(self, name) != value:
                setattr(self, name, value)
                warnings.warn(f"`{setting}` sets `{name}` to {value}", stacklevel=3)

    def _is_fitted(self, setting: str, learned: Any) -> bool:
        if learned is None:
            warnings.warn(f"`{setting}` does nothing before `fit(pictures)` has learned from some", stacklevel=3)
        return learned is not None

    def _check_rank(self, images: NDArray[Any]) -> None:
        if images.ndim != 4:
            raise InputError(
                "pictures of rank 4, (n, height, width, channels)", f"shape {images.shape}", "One alone is x[None]."
            )
        if images.shape[self.channel_axis] not in (1, 3, 4):
            warnings.warn(
                f"{images.shape[self.channel_axis]} channels on axis {self.channel_axis} of shape {images.shape}: "
                f"data_format={self.data_format!r} expects 1, 3 or 4 there",
                stacklevel=3,
            )


def _numbers(value: Any, name: str) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError:  # pictures of several sizes
        array = np.empty(0, object)
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} as an array of numbers", said(value), "Pictures of one size make one: np.stack.")
    return array


def _saving(folder: str | None, prefix: str, file_format: str) -> Saving | None:
    check_saving(folder, prefix, file_format)
    return Saving(str(path_of(folder, "save_to_dir")), prefix, file_format) if folder else None


def _refuse_other_classes(validation: NDArray[Any], training: NDArray[Any]) -> None:
    if not np.array_equal(np.unique(validation), np.unique(training)):
        raise InputError(
            "the same classes in both subsets of y",
            f"{np.unique(validation).tolist()[:5]} in validation, {np.unique(training).tolist()[:5]} in training",
            "Shuffle pictures that are sorted by class, or set ignore_class_split=True.",
        )
