"""Which arguments `ImageDataGenerator` and its flows take: Keras's, checked before anything is made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from cnnkit.data.arguments import flag, listed, number, one_of, pair_of, path_of, said, whole_number
from cnnkit.errors import InputError

FLAGS = (
    "featurewise_center",
    "samplewise_center",
    "featurewise_std_normalization",
    "samplewise_std_normalization",
    "zca_whitening",
    "horizontal_flip",
    "vertical_flip",
)
# Name → an example in the remedy.
NUMBERS = {
    "zca_epsilon": "1e-6 is usual.",
    "rotation_range": "40 turns by up to 40 degrees either way.",
    "shear_range": "It is in degrees: 0.2 is hardly anything.",
    "channel_shift_range": "9 adds up to 9 of 255.",
    "cval": "0 is black.",
}
SHIFTS = ("width_shift_range", "height_shift_range")
SAVED_FORMATS = ("png", "jpeg", "jpg", "bmp")


def check_generator(given: Mapping[str, Any], names: Mapping[str, Any]) -> None:
    """Refuses arguments of the wrong type or form.

    Args:
        given: The arguments by name.
        names: Argument → the names that it may have.

    Raises:
        InputError: Another type, or a range of another form.
        UnknownNameError: A name that does not exist.
    """
    for name in FLAGS:
        flag(given[name], name)
    for name, remedy in NUMBERS.items():
        number(given[name], name, f"{name} as a number", remedy)
    for name, known in names.items():
        one_of(given[name], name.replace("_", " "), known)
    for name in SHIFTS:
        for part in listed(given[name]) or [given[name]]:
            number(part, name, f"{name} as a number, or a list of them", "0.2 is a fifth of the side either way.")
    if given["brightness_range"] is not None:
        expected = "brightness_range as (lowest, highest)"
        pair_of(given["brightness_range"], "brightness_range", expected, "For example (0.8, 1.2).")
    expected, remedy = "zoom_range as a number or (lowest, highest)", "0.2 and (0.8, 1.2) are the same."
    if listed(given["zoom_range"]) is None:
        number(given["zoom_range"], "zoom_range", expected, remedy)
    else:
        pair_of(given["zoom_range"], "zoom_range", expected, remedy)
    if given["rescale"] is not None:
        number(given["rescale"], "rescale", "rescale as a factor, or None", "1 / 255 gives values from 0 to 1.")
    if given["preprocessing_function"] is not None and not callable(given["preprocessing_function"]):
        received = said(given["preprocessing_function"])
        raise InputError("preprocessing_function as a function, or None", received, "It takes and gives one picture.")
    expected, remedy = "a validation_split from 0 up to but not 1", "0.2 is a fifth."
    if not 0 <= number(given["validation_split"], "validation_split", expected, remedy) < 1:
        raise InputError(expected, str(given["validation_split"]), remedy)
    whole_number(given["interpolation_order"], "interpolation_order", remedy="1 is linear.")
    for name, least, remedy in (
        ("keep_bytes", 0, "None takes a quarter of what is free."),
        ("threads", 1, "None takes as many as there are cores."),
    ):
        if given[name] is not None:
            whole_number(given[name], name, least=least, remedy=remedy)
    _check_dtype(given["dtype"])


def check_flow(batch_size: object, shuffle: object, seed: object) -> None:
    """Refuses how a flow is to be gone through.

    Raises:
        InputError: Another type, or no pictures in a batch.
    """
    whole_number(batch_size, "batch_size", least=1, remedy="32 is usual; int(...) makes one of a float.")
    flag(shuffle, "shuffle")
    if seed is not None:
        whole_number(seed, "seed", remedy="Any whole number from 0 will do; None takes one from NumPy's generator.")


def check_saving(folder: object, prefix: object, file_format: object) -> None:
    """Refuses where batches are also to be written.

    Raises:
        InputError: No path, or no text.
        UnknownNameError: Another format.
    """
    if folder is not None and not (isinstance(folder, str) and not folder):
        path_of(folder, "save_to_dir")
    if not isinstance(prefix, str):
        raise InputError("save_prefix as a text", said(prefix), 'For example "view".')
    one_of(file_format, "a format of saved pictures", SAVED_FORMATS)


def _check_dtype(dtype: object) -> None:
    kind = ""
    if isinstance(dtype, str | np.dtype | type):
        make: Callable[[Any], np.dtype[Any]] = np.dtype
        try:
            kind = make(dtype).kind
        except TypeError:
            kind = ""
    if kind not in ("f", "i", "u"):
        raise InputError("dtype as the name of a type of numbers", said(dtype), '"float32" is usual.')
