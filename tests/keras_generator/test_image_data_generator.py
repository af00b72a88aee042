"""Keras's generator is the expected value: the same parameters, pictures, files, classes and statistics."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from cnnkit.data.random_streams import picture_bits
from cnnkit.errors import DataError, ImageFileError, InputError, UnknownNameError
from cnnkit.keras_generator import ImageDataGenerator

# Of 255: what interpolation in float32 by OpenCV ≥ 5 differs from SciPy's in float64.
TOLERANCE = 0.005
HEIGHT, WIDTH = 40, 52
FILES = {
    "cat/b.jpg": "JPEG",
    "cat/a.JPG": "JPEG",
    "cat/deep/er/z.png": "PNG",
    "cat/deep/c.bmp": "BMP",
    "cat/notes.txt": "",
    "dog/10.png": "PNG",
    "dog/2.png": "PNG",
    "dog/grey.jpg": "L",
    "dog/palette.png": "P",
    "dog/alpha.png": "RGBA",
    "dog/ink.jpg": "CMYK",
    "dog/turned.jpg": "EXIF",
    "empty_class/readme.md": "",
    "yak/one.ppm": "PPM",
    "yak/deep.png": "I;16",
    "yak/two.jpeg": "JPEG",
}


@pytest.fixture(scope="session")
def keras_generator() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow as tf

        return tf.keras.preprocessing.image.ImageDataGenerator


@pytest.fixture
def _as_keras_warns() -> Iterator[None]:
    """Keras calls names of SciPy and Pillow that moved."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of several kinds and sizes in three class folders and an empty one."""
    root = tmp_path_factory.mktemp("tree")
    random = np.random.default_rng(3)
    for name, kind in FILES.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        height, width = int(random.integers(30, 70)), int(random.integers(30, 70))
        picture = Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8))
        if not kind:
            file.write_text("no picture")
        elif kind == "EXIF":
            exif = Image.Exif()
            exif[0x0112] = 6
            picture.save(file, exif=exif)
        elif kind == "I;16":
            Image.fromarray(random.integers(0, 65536, (height, width), dtype=np.uint16)).save(file)
        elif kind in ("L", "P", "RGBA", "CMYK"):
            picture.convert(kind).save(file)
        else:
            picture.save(file, kind)
    return root


def both(keras_generator: Any, **settings: Any) -> tuple[Any, ImageDataGenerator]:
    return keras_generator(**settings), ImageDataGenerator(**settings)


def drawn_settings(random: np.random.Generator) -> dict[str, Any]:
    """Every argument of the constructor that changes pictures, every form of it."""

    def one_of(*choices: Any) -> Any:
        return choices[random.integers(len(choices))]

    return {
        "fill_mode": one_of("nearest", "reflect", "wrap", "constant"),
        "cval": one_of(0.0, 7.5, 255.0, -20.0),
        "rotation_range": one_of(0, 40, 180.0),
        "width_shift_range": one_of(0.0, 0.3, 5, 1.0, [1, 4, 9], 3.7, 60),
        "height_shift_range": one_of(0.0, 0.3, 5, (-1, 4, 9), [0.1, 0.2]),
        "shear_range": one_of(0.0, 0.2, 25),
        "zoom_range": one_of(0.0, 0.2, [0.5, 1.5], (0.9, 1.0), [1, 1]),
        "channel_shift_range": one_of(0.0, 9.0, 150),
        "horizontal_flip": one_of(False, True),
        "vertical_flip": one_of(False, True),
        "data_format": one_of("channels_last", "channels_last", "channels_first"),
    }


def drawn_picture(random: np.random.Generator, data_format: str) -> np.ndarray:
    """White noise, the hardest case: whole numbers from 0 to 255, sometimes others."""
    channels = int(random.choice([1, 3, 3, 3, 4]))
    picture = random.integers(0, 256, (HEIGHT, WIDTH, channels)).astype(np.float32)
    picture = picture * 2 - 100 if random.integers(8) == 0 else picture
    return picture if data_format == "channels_last" else np.moveaxis(picture, -1, 0)


def test_the_pixels_rest_on_opencv_5() -> None:
    assert int(cv2.__version__.split(".")[0]) >= 5  # OpenCV 4 rounds positions to 1/32 pixel and is off by 4


@pytest.mark.usefixtures("_as_keras_warns")
def test_500_random_transformations_are_those_of_keras(keras_generator: Any) -> None:
    random = np.random.default_rng(0)
    for seed in range(500):
        settings = drawn_settings(random)
        picture = drawn_picture(random, settings["data_format"])
        keras, ours = both(keras_generator, **settings)
        parameters = keras.get_random_transform(picture.shape, seed=seed)
        assert ours.get_random_transform(picture.shape, seed=seed) == parameters, settings
        expected = keras.apply_transform(picture.copy(), parameters)
        view = ours.apply_transform(picture, parameters)
        assert (view.shape, view.dtype) == (expected.shape, expected.dtype), settings
        assert np.abs(view - expected).max() < TOLERANCE, (settings, parameters)


@pytest.mark.usefixtures("_as_keras_warns")
def test_brightness_is_pillows_on_whole_numbers(keras_generator: Any) -> None:
    """It cuts fractions off: a value next to a whole number may be cut to another, one step or two after scaling."""
    random = np.random.default_rng(1)
    different = []
    for seed in range(60):
        settings = {**drawn_settings(random), "brightness_range": (0.3, 1.8), "data_format": "channels_last"}
        picture = drawn_picture(random, "channels_last")
        keras, ours = both(keras_generator, **settings)
        parameters = keras.get_random_transform(picture.shape, seed=seed)
        difference = np.abs(
            ours.apply_transform(picture, parameters) - keras.apply_transform(picture.copy(), parameters)
        )
        step = 2 * max(1.0, (picture.max() - picture.min() + 300) / 255)
        assert difference.max() <= step
        different.append(np.mean(difference > TOLERANCE))
    assert max(different) < 0.002
    assert np.mean(different) < 0.0002


@pytest.mark.usefixtures("_as_keras_warns")
def test_brightness_of_whole_numbers_is_exact(keras_generator: Any) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3)).astype(np.float32)
    for scale in (1, 3):  # within 0…255, and scaled into it
        keras, ours = both(keras_generator)
        for brightness in (0.0, 0.4, 1.0, 1.7):
            expected = keras.apply_transform(picture * scale, {"brightness": brightness})
            assert (ours.apply_transform(picture * scale, {"brightness": brightness}) == expected).all()


@pytest.mark.usefixtures("_as_keras_warns")
@pytest.mark.parametrize("order", [0, 2, 3, 5])
def test_other_interpolation_orders_are_scipys(keras_generator: Any, order: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.float32)
    keras, ours = both(keras_generator, rotation_range=40, interpolation_order=order, fill_mode="reflect")
    assert (ours.random_transform(picture, seed=3) == keras.random_transform(picture, seed=3)).all()


@pytest.mark.usefixtures("_as_keras_warns")
@pytest.mark.parametrize("mode", ["mirror", "grid-wrap", "grid-mirror", "grid-constant"])
def test_scipys_other_fill_modes_work_as_in_keras(keras_generator: Any, mode: str) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.float32)
    keras, ours = both(keras_generator, rotation_range=180, zoom_range=0.5, fill_mode=mode, cval=9.0)
    for seed in range(5):
        difference = ours.random_transform(picture, seed=seed) - keras.random_transform(picture, seed=seed)
        assert np.abs(difference).max() < TOLERANCE


@pytest.mark.usefixtures("_as_keras_warns")
def test_two_and_five_channels_are_as_exact(keras_generator: Any) -> None:
    keras, ours = both(keras_generator, rotation_range=40)
    for channels in (2, 5):
        picture = np.random.default_rng(0).integers(0, 256, (20, 30, channels)).astype(np.float32)
        difference = ours.random_transform(picture, seed=1) - keras.random_transform(picture, seed=1)
        assert np.abs(difference).max() < TOLERANCE


@pytest.mark.usefixtures("_as_keras_warns")
def test_whole_numbers_stay_whole_numbers(keras_generator: Any) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    keras, ours = both(keras_generator, rotation_range=40)
    view, expected = (one.random_transform(picture, seed=2) for one in (ours, keras))
    assert view.dtype == expected.dtype == np.uint8
    assert np.mean(view != expected) < 0.001  # rounded at a tie the other way


def test_a_seed_does_not_touch_numpys_generator() -> None:
    np.random.seed(5)
    before = np.random.get_state()[1].copy()
    generator = ImageDataGenerator(rotation_range=40)
    generator.random_transform(np.zeros((8, 8, 3), np.float32), seed=1)
    generator.fit(np.zeros((2, 8, 8, 3), np.float32), augment=True, seed=1)
    assert (np.random.get_state()[1] == before).all()


@pytest.mark.usefixtures("_as_keras_warns")
def test_without_a_seed_numpys_generator_decides_as_in_keras(keras_generator: Any) -> None:
    drawn = []
    for generator in both(keras_generator, rotation_range=40, zoom_range=0.2):
        np.random.seed(5)
        drawn.append([generator.get_random_transform((8, 8, 3)) for _ in range(3)])
    assert drawn[0] == drawn[1]


def test_a_transformation_leaves_its_picture_alone() -> None:
    picture = np.full((6, 6, 3), 9, np.float32)
    view = ImageDataGenerator(channel_shift_range=3).apply_transform(picture, {"channel_shift_intensity": 2})
    view += 1
    assert (picture == 9).all()


@pytest.mark.usefixtures("_as_keras_warns")
@pytest.mark.parametrize(
    "settings",
    [
        {"featurewise_center": True},
        {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 1 / 255},
        {"samplewise_center": True, "samplewise_std_normalization": True},
        {"zca_whitening": True, "featurewise_center": True, "zca_epsilon": 1e-3},
        {"preprocessing_function": lambda x: x[..., ::-1] * 2, "rescale": 0.5},
        {"featurewise_center": True, "data_format": "channels_first"},
    ],
)
@pytest.mark.parametrize("augment", [False, True])
def test_fit_and_standardize_are_those_of_keras(keras_generator: Any, settings: dict[str, Any], augment: bool) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (24, 6, 5, 3)).astype(np.float32)
    if settings.get("data_format") == "channels_first":
        pictures = np.moveaxis(pictures, -1, 1)
    keras, ours = both(keras_generator, **settings, horizontal_flip=True)
    for generator in (keras, ours):
        generator.fit(pictures, augment=augment, rounds=2, seed=3)
    for name in ("mean", "std", "zca_whitening_matrix"):
        expected, found = getattr(keras, name), getattr(ours, name)
        assert (expected is None) == (found is None)
        if expected is not None:
            assert found.shape == expected.shape
            assert found == pytest.approx(expected, abs=1e-5, rel=1e-5)
    for chosen in (pictures[0], pictures[:4]):
        assert ours.standardize(chosen.copy()) == pytest.approx(keras.standardize(chosen.copy()), abs=1e-4)


@pytest.mark.parametrize(
    ("setting", "implied"),
    [
        ({"zca_whitening": True, "featurewise_std_normalization": True}, {"featurewise_std_normalization": False}),
        ({"featurewise_std_normalization": True}, {"featurewise_center": True}),
        ({"samplewise_std_normalization": True}, {"samplewise_center": True}),
    ],
)
def test_what_goes_together_is_switched_on_with_a_warning(setting: dict[str, Any], implied: dict[str, bool]) -> None:
    with pytest.warns(UserWarning, match="sets") as caught:
        generator = ImageDataGenerator(**setting)
    assert any(next(iter(implied)) in str(warning.message) for warning in caught)
    assert {name: getattr(generator, name) for name in implied} == implied


def test_a_statistic_that_was_not_learned_is_warned_about() -> None:
    generator = ImageDataGenerator(featurewise_center=True)
    with pytest.warns(UserWarning, match="fit"):
        assert (generator.standardize(np.ones((2, 2, 3), np.float32)) == 1).all()


@pytest.mark.usefixtures("_as_keras_warns")
@pytest.mark.parametrize("split", [0.0, 0.25, 0.5])
def test_a_directory_is_listed_as_by_keras(keras_generator: Any, tree: Path, split: float) -> None:
    subsets = ["training", "validation"] if split else [None]
    for subset in subsets:
        keras, ours = (
            generator.flow_from_directory(tree, subset=subset, shuffle=False)
            for generator in both(keras_generator, validation_split=split)
        )
        assert ours.filenames == keras.filenames
        assert ours.filepaths == keras.filepaths
        assert ours.classes.tolist() == keras.classes.tolist()
        assert ours.class_indices == keras.class_indices
        assert (ours.samples, ours.n, len(ours)) == (keras.samples, keras.n, len(keras))
        assert (ours.num_classes, ours.image_shape) == (keras.num_classes, keras.image_shape)


@pytest.mark.usefixtures("_as_keras_warns")
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "box", "hamming", "lanczos"])
@pytest.mark.parametrize("keep_aspect_ratio", [False, True])
@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
def test_files_are_read_as_by_keras(
    keras_generator: Any, tree: Path, interpolation: str, keep_aspect_ratio: bool, color_mode: str
) -> None:
    keras, ours = (
        generator.flow_from_directory(
            tree,
            target_size=(24, 33),
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
            color_mode=color_mode,
            class_mode=None,
            shuffle=False,
        )
        for generator in both(keras_generator)
    )
    assert (ours[0] == keras[0]).all()


@pytest.mark.usefixtures("_as_keras_warns")
@pytest.mark.parametrize("class_mode", ["categorical", "binary", "sparse", "input", None])
def test_targets_of_a_directory(keras_generator: Any, tree: Path, class_mode: str | None) -> None:
    keras, ours = (
        generator.flow_from_directory(tree, (9, 8), class_mode=class_mode, batch_size=5, shuffle=False)
        for generator in both(keras_generator, rescale=1 / 255)
    )
    for index in range(len(keras)):
        same_batch(ours[index], keras[index])


def same_batch(found: Any, expected: Any) -> None:
    if isinstance(expected, tuple | list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same_batch(one, other)
    else:
        assert found.dtype == expected.dtype
        assert found == pytest.approx(expected)


def table_of(tree: Path) -> pd.DataFrame:
    names = [name for name, kind in FILES.items() if kind] + ["gone.png", "cat/notes.txt"]
    return pd.DataFrame(
        {
            "filename": names,
            "class": [name.split("/")[0] for name in names],
            "tags": [[name[0], "all"] for name in names],
            "number": np.arange(len(names), dtype=float),
            "twice": np.arange(len(names), dtype=float) * 2,
        }
    )


@pytest.mark.usefixtures("_as_keras_warns")
@pytest.mark.filterwarnings("ignore:.*filename:UserWarning", "ignore:.*names in the column:UserWarning")
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"class_mode": "sparse", "classes": ["yak", "cat"]},
        {"class_mode": "binary", "classes": ["yak", "cat"], "weight_col": "number"},
        {"y_col": "tags"},
        {"y_col": "tags", "classes": ["all", "d"]},
        {"class_mode": "raw", "y_col": "number"},
        {"class_mode": "raw", "y_col": ["number", "twice"]},
        {"class_mode": "multi_output", "y_col": ["number", "twice"]},
        {"class_mode": "input"},
        {"class_mode": None, "weight_col": "number"},
        {"subset": "validation"},
        {"subset": "training", "class_mode": "sparse"},
    ],
)
def test_a_table_flows_as_from_keras(keras_generator: Any, tree: Path, arguments: dict[str, Any]) -> None:
    keras, ours = (
        generator.flow_from_dataframe(
            table_of(tree), str(tree), target_size=(9, 8), batch_size=5, shuffle=False, **arguments
        )
        for generator in both(keras_generator, validation_split=0.3)
    )
    assert ours.filenames == keras.filenames
    assert getattr(keras, "class_indices", None) == ours.class_indices
    assert getattr(keras, "classes", None) == ours.classes
    for index in range(len(keras)):
        same_batch(ours[index], keras[index])


@pytest.mark.usefixtures("_as_keras_warns")
@pytest.mark.parametrize("subset", [None, "training", "validation"])
def test_arrays_flow_as_from_keras(keras_generator: Any, subset: str | None) -> None:
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (10, 6, 5, 3), dtype=np.uint8)
    labels, weights, other = np.arange(10) % 2, np.arange(10.0), random.random((10, 2))
    for x, y, weight in (
        (pictures, None, None),
        (pictures, labels, None),
        (pictures, labels, weights),
        ((pictures, other), labels, None),
        ((pictures, [other, other]), labels, None),
    ):
        if subset and weight is not None:
            continue  # Keras forgets to split the weights
        keras, ours = (
            generator.flow(x, y, 4, shuffle=False, sample_weight=weight, subset=subset)
            for generator in both(keras_generator, rescale=1 / 255, validation_split=0.4)
        )
        assert len(ours) == len(keras)
        for index in range(len(keras)):
            same_batch(ours[index], keras[index])


def test_weights_are_split_with_their_pictures() -> None:
    flow = ImageDataGenerator(validation_split=0.5).flow(
        np.zeros((4, 2, 2, 3)), [0, 1, 0, 1], sample_weight=[1, 2, 3, 4], subset="training", shuffle=False
    )
    assert flow[0][2].tolist() == [3, 4]


LECTURE: dict[str, Any] = {
    "rotation_range": 40,
    "width_shift_range": 0.2,
    "height_shift_range": 0.2,
    "shear_range": 0.2,
    "zoom_range": 0.2,
    "horizontal_flip": True,
    "channel_shift_range": 9,
}


def lecture_flow(tree: Path, **settings: Any) -> Any:
    generator = ImageDataGenerator(**LECTURE, **settings)
    return generator.flow_from_directory(tree, (16, 16), batch_size=4, seed=7, class_mode="sparse")


@pytest.mark.parametrize("settings", [{}, {"data_format": "channels_first"}, {"dtype": "float64"}])
def test_a_batch_holds_the_transforms_of_its_files(tree: Path, settings: dict[str, Any]) -> None:
    """Drawn as `get_random_transform` draws, from the random bits of (seed, epoch, index), and standardized."""
    plain, drawn = (
        ImageDataGenerator(**each, **settings, rescale=1 / 255, preprocessing_function=lambda x: x + 1)
        for each in ({}, LECTURE)
    )
    # `preprocessing_function` and `rescale` are undone to get the files as they were read.
    files = plain.flow_from_directory(tree, (16, 20), batch_size=14, shuffle=False)[0][0] * 255 - 1
    batch = drawn.flow_from_directory(tree, (16, 20), batch_size=14, shuffle=False, seed=7)[0][0]
    assert batch.dtype == settings.get("dtype", "float32")
    for index, picture in enumerate(files):
        chance = np.random.RandomState(picture_bits(7, 0, index))
        parameters = drawn.drawn(picture.shape, chance)
        expected = drawn.standardize(drawn.apply_transform(picture.astype(np.float32), parameters).copy())
        assert np.abs(batch[index] - expected).max() < 1e-5


def test_the_same_seed_gives_the_same_batches_whatever_the_threads(tree: Path) -> None:
    flows = [lecture_flow(tree, threads=threads) for threads in (1, 5)]
    for _ in range(2 * len(flows[0])):
        one, other = (next(flow) for flow in flows)
        assert (one[0] == other[0]).all()
        assert (one[1] == other[1]).all()


def test_batches_are_a_function_of_epoch_and_index(tree: Path) -> None:
    flow, again = lecture_flow(tree), lecture_flow(tree)
    forward = [flow[index][0] for index in range(len(flow))]
    backward = [again[index][0] for index in reversed(range(len(again)))]
    assert all((one == other).all() for one, other in zip(forward, reversed(backward), strict=True))
    flow.on_epoch_end()
    assert all((flow[index][0] != one).any() for index, one in enumerate(forward))


def test_next_goes_on_for_ever_and_each_epoch_has_its_own_order(tree: Path) -> None:
    flow = lecture_flow(tree)
    labels = [np.concatenate([next(flow)[1] for _ in range(len(flow))]).tolist() for _ in range(3)]
    assert sorted(labels[0]) == sorted(labels[1]) == sorted(flow.classes.tolist())
    assert len({str(order) for order in labels}) == 3
    assert flow.epoch == 3


def test_reset_begins_with_the_first_batch() -> None:
    flow = ImageDataGenerator().flow(np.zeros((4, 2, 2, 3)), np.arange(4), 2, shuffle=False)
    next(flow)
    flow.reset()
    assert flow.next()[1].tolist() == [0, 1]


def test_without_a_seed_the_global_one_decides() -> None:
    pictures = np.arange(16.0)[:, None, None, None] * np.ones((1, 2, 2, 3))
    orders = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        orders.append(ImageDataGenerator().flow(pictures, batch_size=16)[0][:, 0, 0, 0].tolist())
    assert orders[0] == orders[1] != orders[2]


def test_a_file_is_decoded_once_while_it_fits(tree: Path, tmp_path: Path) -> None:
    for number in range(3):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / f"{number}.png")
    table = pd.DataFrame({"filename": ["0.png", "1.png", "2.png"]})
    size = 8 * 8 * 3
    for keep_bytes, kept in ((None, 3), (2 * size, 2), (0, 0)):
        generator = ImageDataGenerator(keep_bytes=keep_bytes, threads=1)
        flow = generator.flow_from_dataframe(table, tmp_path, class_mode=None, target_size=(8, 8), shuffle=False)
        first = flow[0]
        hidden = [(tmp_path / f"{number}.png").rename(tmp_path / f"{number}.away") for number in range(kept)]
        assert (flow[0] == first).all()
        for file in hidden:
            file.rename(file.with_suffix(".png"))


def test_keras_trains_validates_and_predicts_on_flows(tree: Path) -> None:
    import keras

    generator = ImageDataGenerator(rescale=1 / 255, horizontal_flip=True, validation_split=0.4)
    train, validation = (
        generator.flow_from_directory(tree, (8, 8), batch_size=3, subset=subset, seed=0)
        for subset in ("training", "validation")
    )
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(4, "softmax")])
    model.compile("sgd", "categorical_crossentropy")
    history = model.fit(train, validation_data=validation, epochs=2, verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert train.epoch >= 2  # Keras ends one more, before the first, when it builds the model
    assert model.predict(validation, verbose=0).shape == (validation.n, 4)
    assert np.isfinite(model.evaluate(validation, verbose=0))


def test_training_twice_gives_the_same_weights(tree: Path) -> None:
    import keras

    weights = []
    for threads in (1, 3):
        keras.utils.set_random_seed(3)
        flow = ImageDataGenerator(**LECTURE, rescale=1 / 255, threads=threads).flow_from_directory(
            tree, (8, 8), batch_size=3
        )
        model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(4, "softmax")])
        model.compile("sgd", "categorical_crossentropy")
        model.fit(flow, epochs=2, verbose=0)
        weights.append(model.layers[-1].kernel.numpy())
    assert (weights[0] == weights[1]).all()


def test_batches_can_be_written_as_pictures(tree: Path, tmp_path: Path) -> None:
    flow = ImageDataGenerator().flow_from_directory(
        tree, (9, 8), batch_size=2, shuffle=False, save_to_dir=str(tmp_path), save_prefix="seen", save_format="png"
    )
    pictures, _ = flow[0]
    files = sorted(tmp_path.iterdir())
    assert [file.name.split("_")[:2] for file in files] == [["seen", "0"], ["seen", "1"]]
    stretched = (pictures[0] - pictures[0].min()) / (pictures[0].max() - pictures[0].min()) * 255
    assert np.abs(np.asarray(Image.open(files[0])) - stretched).max() <= 1


def test_a_scaled_decode_stays_close_and_never_enlarges(tmp_path: Path) -> None:
    """At 1/4, where the picture is smooth, a pixel differs little from the exact decode's average over 4 × 4."""
    rows, columns = np.mgrid[0:120, 0:160]
    smooth = np.stack([rows * 2, columns * 1.5, 255 - rows - columns * 0.5], axis=-1).astype(np.uint8)
    (tmp_path / "a").mkdir()
    Image.fromarray(smooth).save(tmp_path / "a" / "0.jpg", quality=95)
    batches = {
        decode: ImageDataGenerator(decode=decode).flow_from_directory(
            tmp_path, (30, 30), interpolation="box" if decode == "exact" else "nearest", class_mode=None
        )[0]
        for decode in ("exact", "scaled")
    }
    assert batches["scaled"].shape == (1, 30, 30, 3)
    assert np.abs(batches["scaled"] - batches["exact"]).max() < 4


@pytest.mark.parametrize("decode", ["exact", "scaled"])
def test_what_was_cut_off_does_not_come_back_at_shifted_borders(tmp_path: Path, decode: str) -> None:
    picture = np.full((60, 180, 3), 255, np.uint8)
    picture[:, 60:120] = 0  # the middle is black, what the aspect ratio cuts off is white
    (tmp_path / "a").mkdir()
    Image.fromarray(picture).save(tmp_path / "a" / "0.png")
    generator = ImageDataGenerator(width_shift_range=[8], fill_mode="constant", cval=0, decode=decode)
    flow = generator.flow_from_directory(tmp_path, (20, 20), class_mode=None, keep_aspect_ratio=True, seed=0)
    assert flow[0].max() == 0


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"data_format": "channels_middle"}, "channels_last"),
        ({"fill_mode": "neares"}, "nearest"),
        ({"decode": "scale"}, "scaled"),
        ({"validation_split": 1.5}, "validation_split"),
        ({"zoom_range": (1, 2, 3)}, "zoom_range"),
        ({"brightness_range": 0.2}, "brightness_range"),
        ({"threads": 0}, "thread"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        ImageDataGenerator(**settings)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"class_mode": "categoric"}, "categorical"),
        ({"classes": ["cat", "dgo"]}, "'dog'"),
        ({"subset": "train"}, "training"),
        ({"color_mode": "bgr"}, "rgb"),
        ({"interpolation": "neares"}, "nearest"),
        ({"target_size": (224,)}, "target_size"),
        ({"batch_size": 0}, "batch_size"),
        ({"save_to_dir": "/nowhere/at/all"}, "save_to_dir"),
    ],
)
def test_a_flow_from_a_directory_that_cannot_be_is_refused(tree: Path, arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        ImageDataGenerator().flow_from_directory(tree, **arguments)


def test_a_directory_without_pictures_teaches_the_arrangement(tree: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing there"):
        ImageDataGenerator().flow_from_directory(tmp_path / "gone")
    with pytest.raises(DataError, match="<class>/<picture>"):
        ImageDataGenerator().flow_from_directory(tree / "dog")
    with pytest.raises(DataError, match="too small"):
        ImageDataGenerator(validation_split=0.01).flow_from_directory(tree, subset="validation")


@pytest.mark.filterwarnings("ignore:.*names in the column:UserWarning")
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"x_col": "file"}, "'filename'"),
        ({"y_col": "label"}, "'class'"),
        ({"weight_col": "weight"}, "'weight'"),
        ({"weight_col": "class"}, "numbers in the column"),
        ({"x_col": "number"}, "file names"),
        ({"y_col": "number"}, "astype"),
        ({"class_mode": "binary"}, "4 classes"),
        ({"class_mode": "multi_output"}, "list"),
        ({"class_mode": "other"}, "a class mode"),
        ({"directory": "/nowhere"}, "directory"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tree: Path, arguments: dict[str, Any], word: str) -> None:
    with pytest.raises((InputError, DataError), match=word):
        ImageDataGenerator().flow_from_dataframe(table_of(tree), **{"directory": str(tree), **arguments})


def test_rows_without_a_picture_are_left_out_with_a_warning(tree: Path) -> None:
    with pytest.warns(UserWarning, match="2 of 16"):
        flow = ImageDataGenerator().flow_from_dataframe(table_of(tree), str(tree))
    assert flow.n == 14
    with pytest.warns(UserWarning, match="ignored"):
        ImageDataGenerator().flow_from_dataframe(
            table_of(tree)[:3], str(tree), class_mode=None, classes=["cat"], validate_filenames=False
        )


@pytest.mark.parametrize(
    ("arrays", "word"),
    [
        ({"x": np.zeros((2, 4, 4))}, "rank 4"),
        ({"x": np.zeros((2, 4, 4, 3)), "y": [1]}, "y as long"),
        ({"x": np.zeros((2, 4, 4, 3)), "y": [0, 1], "sample_weight": [1.0]}, "sample_weight as long"),
        ({"x": (np.zeros((2, 4, 4, 3)), np.zeros(3))}, "as long"),
        ({"x": np.zeros((4, 4, 4, 3)), "y": [0, 0, 1, 1], "subset": "training"}, "same classes"),
        ({"x": np.zeros((4, 4, 4, 3)), "subset": "test"}, "validation"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        ImageDataGenerator(validation_split=0.5).flow(**arrays)


def test_an_odd_number_of_channels_is_warned_about() -> None:
    with pytest.warns(UserWarning, match="5 channels"):
        ImageDataGenerator().flow(np.zeros((2, 4, 4, 5)))


def test_fit_wants_a_batch() -> None:
    with pytest.raises(InputError, match="rank 4"):
        ImageDataGenerator().fit(np.zeros((4, 4, 3)))


def test_an_index_beyond_the_last_batch() -> None:
    with pytest.raises(IndexError, match="batch 1 of 1"):
        ImageDataGenerator().flow(np.zeros((2, 4, 4, 3)))[1]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    flow = ImageDataGenerator().flow_from_directory(tmp_path)
    with pytest.raises(ImageFileError, match=r"broken\.jpg"):
        next(flow)


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'reflect'"):
        ImageDataGenerator(fill_mode="reflekt")


def test_a_flow_of_nothing_is_refused() -> None:
    with pytest.raises(DataError, match="at least one picture"):
        ImageDataGenerator(validation_split=0.1).flow(np.zeros((5, 8, 8, 3)), subset="validation")


def test_numpys_numbers_are_numbers() -> None:
    drawn = [
        ImageDataGenerator(width_shift_range=given(0.25)).get_random_transform((8, 8, 3), seed=1)
        for given in (float, np.float32)
    ]
    assert drawn[0] == drawn[1]
