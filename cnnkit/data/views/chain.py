"""Several augmentations, one after the other; and which augmentations say where things go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.arguments import augmenter, said
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.targets import Targets
from cnnkit.data.views.view import Augmenter, Picture, View, ViewAugmenter, as_floats
from cnnkit.errors import InputError


@runtime_checkable
class AroundBoxes(Protocol):
    """An augmenter whose views may depend on the boxes of the photograph."""

    @property
    def keeps_boxes(self) -> bool:
        """Whether they do."""

    def around(self, boxes: NDArray[np.float64]) -> Augmenter:
        """The same for one photograph, given (k, 4) its boxes in continuous pixels."""


@dataclass(frozen=True)
class Chain(ViewAugmenter):
    """Views of views: `Chain((Augmentation.gentle(), RandomErasing()))`.

    Args:
        steps: What is applied, in this order.

    Raises:
        InputError: One of them makes no views, or one behind the first keeps boxes.
    """

    steps: tuple[Augmenter, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.steps, tuple | list):
            raise InputError("the steps of a chain as a tuple", said(self.steps), "For example Chain((first, second)).")
        for place, step in enumerate(self.steps):
            augmenter(step)
            if place and keeps_boxes(step):
                expected = "a crop that keeps boxes as the first step, which sees the photograph"
                raise InputError(expected, f"step {place + 1}: {said(step)}", "Put it first.")
        object.__setattr__(self, "steps", tuple(self.steps))

    @property
    def crop_size(self) -> tuple[int, int] | None:
        """That of the last step that crops whole photographs; None where none does."""
        sizes = [size for step in self.steps if (size := crop_size(step)) is not None]
        return sizes[-1] if sizes else None

    @property
    def keeps_boxes(self) -> bool:
        """Whether views depend on the boxes of their photographs."""
        return bool(self.steps) and keeps_boxes(self.steps[0])

    def around(self, boxes: NDArray[np.float64]) -> Chain:
        """The views of one photograph, given (k, 4) its boxes in continuous pixels."""
        first, *others = self.steps
        return Chain((first.around(boxes) if isinstance(first, AroundBoxes) else first, *others))

    def view(self, size: tuple[int, int], chance: np.random.Generator) -> View:
        """One view of pictures of a size; all steps draw from one generator, in turn.

        Raises:
            InputError: A step has only `apply`, which does not say where things go.
        """
        whole: View | None = None
        for step in self.steps:
            drawn = view_of(step, size, chance)
            size = drawn.size or size
            whole = drawn if whole is None else whole.then(drawn)
        return View.identity() if whole is None else whole

    def apply(self, image: Picture, generator: np.random.Generator) -> NDArray[np.float32]:
        """The pixels of one view, (h, w, 3), float32; a step that has only `apply` takes part."""
        view = as_floats(image)
        for step in self.steps:
            view = step.apply(view, generator)
        return view


def placing(augment: object) -> bool:
    """Whether an augmenter says where things go: it gives views, and its pixels are those of its views.

    A class whose `apply` is its own and whose `view` is inherited does something else to pixels than its matrix says.
    """
    if isinstance(augment, Chain) and not all(placing(step) for step in augment.steps):
        return False
    for kind in type(augment).__mro__:
        if "view" in vars(kind):
            return callable(vars(kind)["view"])
        if "apply" in vars(kind):
            return False
    return False


def keeps_boxes(augment: object) -> bool:
    """Whether the views of an augmenter depend on the boxes of the photographs."""
    return isinstance(augment, AroundBoxes) and augment.keeps_boxes


def require_boxes_to_keep(augment: object, kind: str) -> None:
    """Refuses crops that keep boxes where the truth is of another kind.

    Raises:
        InputError: The augmenter makes such crops.
    """
    if keeps_boxes(augment) and kind != Boxes.kind:
        remedy = "keep=0 crops anywhere."
        raise InputError(f"boxes as the truth of photographs for {said(augment)}", kind or "no truth", remedy)


def around_boxes(augment: Augmenter, truth: Targets | None, index: int) -> Augmenter:
    """The augmenter for one photograph: one that keeps boxes is told them, crowds apart.

    Args:
        augment: What makes the views.
        truth: Of some examples, in the pixels of their photographs.
        index: The place of the photograph among them.

    Raises:
        InputError: It keeps boxes, and the truth is of another kind.
    """
    if not isinstance(augment, AroundBoxes) or not augment.keeps_boxes:
        return augment
    if not isinstance(truth, Boxes):
        require_boxes_to_keep(augment, "" if truth is None else truth.kind)
        return augment
    span = truth.span(index)
    boxes = truth.boxes[span]
    return augment.around(boxes if truth.crowd is None else boxes[~truth.crowd[span]])


def crop_size(augment: Augmenter | None) -> tuple[int, int] | None:
    """(height, width) of the views of an augmenter that takes them from whole photographs; None of any other."""
    return getattr(augment, "crop_size", None)


def require_crop_size(augment: Augmenter | None, size: tuple[int, int]) -> None:
    """Refuses crops of another size than the input's.

    Raises:
        InputError: The augmenter makes such crops.
    """
    cropped = crop_size(augment)
    if cropped is not None and cropped != size:
        raise InputError(
            f"crops of the size of the input, {size[0]} × {size[1]}",
            f"{cropped[0]} × {cropped[1]} from {said(augment)}",
            f"Make it with size={size}, or the network with input_shape={(*cropped, 3)}.",
        )


def require_views(augment: Augmenter) -> ViewAugmenter:
    """The augmenter, if it says where things go.

    Raises:
        InputError: It has only `apply`, or is a chain with such a step: truth that has a place cannot follow it.
    """
    if placing(augment):
        return cast("ViewAugmenter", augment)
    raise InputError(
        "an augmentation with view(size, chance), because truth that has a place moves with the pixels",
        f"{said(_without_place(augment))}, whose apply(image, generator) does not say where things go",
        "Make it a ck.data.ViewAugmenter, whose view is a matrix and the pixels; labels and tags need no matrix.",
    )


def view_of(augment: Augmenter, size: tuple[int, int], chance: np.random.Generator) -> View:
    """One view of pictures of a size, by an augmenter that says where things go.

    Raises:
        InputError: It does not, or its `view` gives something else.
    """
    view = require_views(augment).view(size, chance)
    if not isinstance(view, View):
        raise InputError(f"a view from {said(augment)}", said(view), "ck.data.View(positions, pixels) is one.")
    return view


def _without_place(augment: Augmenter) -> Augmenter:
    """The first step of a chain, or of a chain in it, that does not say where things go; or what is no chain."""
    steps = augment.steps if isinstance(augment, Chain) else ()
    return next((_without_place(step) for step in steps if not placing(step)), augment)
