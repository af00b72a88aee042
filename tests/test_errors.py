from __future__ import annotations

import copy

import pytest

from cnnkit import errors

TREE = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.CnnkitError)]


@pytest.mark.parametrize("kind", TREE)
def test_message_has_three_parts_and_survives_a_copy(kind: type[errors.CnnkitError]) -> None:
    error = copy.copy(kind("a folder", "'photo.jpg'", "Give the folder that holds it."))
    assert str(error) == "Expected a folder. Received: 'photo.jpg'. Give the folder that holds it."
    assert (error.expected, error.received) == ("a folder", "'photo.jpg'")


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.InputError, ValueError),
        (errors.ImageFileError, OSError),
        (errors.WeightsError, OSError),
        (errors.BundleError, OSError),
        (errors.FrozenWeightsMovedError, RuntimeError),
        (errors.MissingExtraError, ImportError),
        (errors.InterruptedTrainingError, KeyboardInterrupt),
    ],
)
def test_each_is_also_a_builtin_error(kind: type[errors.CnnkitError], builtin: type[BaseException]) -> None:
    assert issubclass(kind, builtin)


def test_unknown_name_gives_the_nearest() -> None:
    error = errors.unknown_name("a backbone", "vgg_16", ["vgg16", "vgg19", "xception"], "ck.backbones.names()")
    assert "'vgg16' or 'vgg19'" in str(error)
    assert "ck.backbones.names()" in str(error)


def test_missing_extra_names_the_install_line() -> None:
    assert "pip install '.[fast]'" in str(errors.missing_extra("openvino", "fast", "the fast engine"))
