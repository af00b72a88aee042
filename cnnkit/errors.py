"""Every error that cnnkit raises; each is also the built-in error that a caller would expect.

    CnnkitError
    ├── InputError(ValueError)            an argument is wrong
    │   ├── UnknownNameError              a name does not exist; the nearest ones are named
    │   ├── MisfitError                   a layer and its inputs do not go together; in `layers.cost`
    │   └── RefusedError                  a check of a submission failed; in `submissions.findings`
    ├── RequestError                      a server refuses a request; in `serving.refusals`
    ├── DataError(ValueError)             the examples are wrong: labels, classes, value range
    │   └── ImageFileError(OSError)       one file is not a picture
    ├── WeightsError(OSError)             a weights file is missing, changed or does not fit
    ├── BundleError(OSError)              a saved network is damaged or was changed
    ├── CheckpointError(OSError)          a checkpoint could not be written
    ├── FrozenWeightsMovedError(RuntimeError)   training changed what the plan froze
    ├── BackendError(RuntimeError)        Keras runs on something else than TensorFlow
    ├── BenchmarkError(RuntimeError)      a benchmark did not finish
    ├── WorkersError(RuntimeError)        pieces of work failed twice on a cluster
    ├── MissingExtraError(ImportError)    an optional dependency is not installed
    └── InterruptedTrainingError(KeyboardInterrupt)   Ctrl-C; the message says what was kept

Every message has three parts: what was expected, what was received, what to do about it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CnnkitError(Exception):
    """Base of all cnnkit errors.

    Args:
        expected: What the library needed, as the end of a sentence that begins with "Expected".
        received: What it got, as the end of a sentence that begins with "Received".
        remedy: What the reader can do now, a sentence of its own.
    """

    def __init__(self, expected: str, received: str, remedy: str) -> None:
        self.expected = expected
        self.received = received
        self.remedy = remedy
        super().__init__(f"Expected {expected}. Received: {received}. {remedy}")

    def __reduce__(self) -> tuple[type[CnnkitError], tuple[str, str, str]]:
        # An exception is rebuilt from `args`, here one string: worker processes need the three parts.
        return type(self), (self.expected, self.received, self.remedy)


class InputError(CnnkitError, ValueError):
    """An argument has the wrong type, shape, range or combination."""


class UnknownNameError(InputError):
    """A name (backbone, cut, layer, class, ...) does not exist."""


class DataError(CnnkitError, ValueError):
    """The examples cannot be used: labels out of range, one class only, NaN, no pictures."""


class ImageFileError(DataError, OSError):
    """A file that should hold a picture is empty, truncated or something else."""


class WeightsError(CnnkitError, OSError):
    """A weights file is missing, has the wrong hash or does not fit the architecture."""


class BundleError(CnnkitError, OSError):
    """A bundle is incomplete, damaged or was changed after it was saved."""


class CheckpointError(CnnkitError, OSError):
    """A checkpoint could not be written, and the one before it is whole; or one cannot be read."""


class FrozenWeightsMovedError(CnnkitError, RuntimeError):
    """A training step changed a weight that the phase had frozen."""


class BackendError(CnnkitError, RuntimeError):
    """Keras runs on JAX or PyTorch."""


class BenchmarkError(CnnkitError, RuntimeError):
    """A benchmark did not finish."""


class WorkersError(CnnkitError, RuntimeError):
    """Pieces of work whose workers died twice; the message names them, and what else was done is kept."""


class MissingExtraError(CnnkitError, ImportError):
    """A feature needs a package that is not installed."""


class InterruptedTrainingError(CnnkitError, KeyboardInterrupt):
    """Training was stopped with Ctrl-C."""


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The `count` names most similar to `name`, best first.

    >>> nearest("vgg_16", ["vgg16", "vgg19", "xception"])
    ['vgg16', 'vgg19']
    """
    lowered = {candidate.lower(): candidate for candidate in names}
    matches = difflib.get_close_matches(name.lower(), lowered, n=count, cutoff=0.5)
    return [lowered[match] for match in matches]


def unknown_name(kind: str, name: str, names: Iterable[str], where: str = "") -> UnknownNameError:
    """The error for a name that does not exist, with the nearest ones and where to find all.

    Args:
        kind: What the name should denote, e.g. `"a backbone"`.
        name: The name that was given.
        names: All names that exist.
        where: A call or a command that lists them all.
    """
    known = list(names)
    close = nearest(str(name), known) or known[:5]
    suggestion = "Did you mean " + " or ".join(repr(match) for match in close) + "?" if close else ""
    listing = f"All names: {where}." if where else ""
    return UnknownNameError(f"the name of {kind}", repr(name), " ".join(part for part in (suggestion, listing) if part))


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtraError:
    """The error for an optional dependency that is absent, with its install line."""
    return MissingExtraError(
        f"the package {package} for {purpose}",
        "it is not installed",
        f"Install it, in cnnkit's checkout: pip install '.[{extra}]'",
    )
