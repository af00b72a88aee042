"""`rcnn`: a backbone that looks at each proposal by itself, and linear support vector machines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cnnkit.backbones.extractor import Backbone
from cnnkit.data.any_folder import dataset_of
from cnnkit.data.any_pictures import Pictures, as_source
from cnnkit.data.arguments import seed_of
from cnnkit.data.dataset import Dataset
from cnnkit.data.region_crops import region_crops
from cnnkit.data.source import Source
from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.views.framing import Framing
from cnnkit.engines.forward import Forward
from cnnkit.errors import DataError, InputError
from cnnkit.export.bundle import save
from cnnkit.heads.classifier_arguments import class_names
from cnnkit.heads.detection import not_counted
from cnnkit.heads.rcnn import NOTHING, RCNN, encoded_regions
from cnnkit.heads.support_vectors import require_solver
from cnnkit.metrics.box_overlap import box_array, box_iou
from cnnkit.metrics.given_arrays import whole_number
from cnnkit.tasks.given_proposals import Propose, require_function, sliding_windows
from cnnkit.transfer.closed_form import put_closed_form
from cnnkit.transfer.exact_head import Examples
from cnnkit.transfer.finite import finite_features
from cnnkit.transfer.freeze import set_flags
from cnnkit.transfer.inference import truth_of
from cnnkit.transfer.network import Network, attach, check_dataset, network_of
from cnnkit.transfer.passes import AUTOMATIC
from cnnkit.transfer.plan import Phase
from cnnkit.transfer.progress import Meter, line
from cnnkit.transfer.tail import halve

# As many crops as a network is given at once.
MANY = 1 << 20


@dataclass(frozen=True, eq=False)
class RCNNDetector:
    """A network of crops, and what proposes them; `ck.tasks.rcnn` makes one.

    Attributes:
        network: From a crop to the margin of each machine and the box of each class; `ck.save` and `ck.load` know it.
        proposals: A function of a picture, which cannot be saved: `RCNNDetector(ck.load(folder), proposals)` is the
            way back.
    """

    network: Network
    proposals: Propose = sliding_windows

    def __post_init__(self) -> None:
        head = network_of(self.network).head
        if not isinstance(head, RCNN):
            raise InputError("a network of crops", type(head).__name__, "ck.tasks.rcnn makes one.")
        require_function(self.proposals)

    def fit(self, photos: Dataset | str | Path, *, sample: int = 64, seed: int = 0, progress: bool = True) -> None:
        """Solves for the machines and the regressions; the backbone stays as it is.

        The features of all samples are in memory at once: of 1,000 pictures some 64,000 times those of a crop.

        Args:
            photos: With boxes, of the classes of the network; a path is `ck.data.yolo(path, seed=seed)`.
            sample: Proposals per picture, beside its true boxes: those near to a box first, up to half of them, then
                others by chance.
            seed: Of these; that of the solver is the network's.
            progress: Whether to show the live line.

        Raises:
            DataError: No training pictures, other classes, or truth of another kind.
            InputError: `sample` or `seed` is out of its range.
            MissingExtraError: scikit-learn is not installed.
        """
        whole_number("sample", sample)
        seed = seed_of(seed)
        require_solver()
        photos = dataset_of(photos, seed=seed)
        check_dataset(self.network, photos)
        truth: Any = photos.train.targets
        set_flags(self.network, Phase("machines"))
        halves = halve(self.network.model, self.head)
        if halves.prefix is None:
            raise InputError("a backbone with layers", self.network.backbone.name, "ck.backbone makes one.")
        forward, display = Forward(halves.prefix), line(progress)
        meter = Meter("machines", len(photos.train), display)
        features: list[NDArray[np.float32]] = []
        encoded: list[dict[str, NDArray[np.float32]]] = []
        try:
            for index in range(len(photos.train)):
                picture = photos.train.image(index)
                chance = np.random.default_rng([seed, index])
                regions = sampled(self._proposed(picture), truth, index, count=sample, chance=chance)
                meter.advance(1)
                if len(regions):
                    features.append(finite_features(forward, self._crops(picture, regions))[0])
                    encoded.append(encoded_regions(regions, truth, index))
            if not features:
                raise DataError("proposals or boxes in some picture", "none", "ck.tasks.sliding_windows proposes some.")
            targets = keras.tree.map_structure(lambda *parts: np.concatenate(parts), *encoded)
            display.show("support vector machines")
            put_closed_form(halves.tail, self.head, Examples(np.concatenate(features), targets))
            display.keep(f"machines: {len(self.network.classes)} of {len(targets['overlaps']):,} regions")
        finally:
            display.close()

    def predict(self, images: Pictures, *, progress: bool = False) -> pd.DataFrame:
        """What `ck.predict` returns of a detector: one row per box.

        Args:
            images: As of `ck.predict`.
            progress: Whether to show a live line.

        Raises:
            DataError: There are no pictures, or the function gives no boxes.
        """
        source = as_source(images)
        return Boxes.joined(list(self._found(source, progress=progress))).table(source.ids)

    def evaluate(self, source: Source, *, progress: bool = False) -> dict[str, float]:
        """COCO's numbers, as `ck.evaluate` gives them of a detector; there is no loss, and `images` is their number.

        Args:
            source: With boxes, e.g. `photos.test`.
            progress: Whether to show a live line.

        Raises:
            DataError: The source is empty, or has other truth or classes.
            InputError: A whole dataset.
        """
        truth, score = truth_of(self.network, source), self.head.score()
        for index, boxes in enumerate(self._found(source, progress=progress)):
            score.add(truth.take([index]), boxes)
        return {"images": float(len(source)), **score.result()}

    def save(self, folder: str | Path) -> Path:
        """Writes the network as `ck.save` does: the machines are layers of plain Keras.

        What is loaded sees crops: `ck.predict` would take each picture for one proposal, so give it to `RCNNDetector`.

        Raises:
            BundleError: As of `ck.save`.
        """
        return save(self.network, folder)

    @property
    def head(self) -> RCNN:
        """That of the network."""
        head: Any = self.network.head  # proved when it was made
        return head  # type: ignore[no-any-return]

    def _proposed(self, picture: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(k, 4) inside of the picture, those with an area."""
        height, width = picture.shape[:2]
        boxes = np.clip(box_array(self.proposals(picture)), 0, (width, height, width, height))
        return boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]

    def _crops(self, picture: NDArray[np.uint8], regions: NDArray[np.float64]) -> NDArray[np.uint8]:
        return region_crops(picture, regions, self.network.size, context=self.head.context)

    def _found(self, source: Source, *, progress: bool) -> Any:
        """The boxes of each picture, one after the other."""
        display = line(progress)
        meter = Meter("predict", len(source), display)
        forward = self.network.forward_cache.find(AUTOMATIC, pictures=MANY, say=display.keep)
        try:
            for index in range(len(source)):
                picture = source.image(index)
                regions, size = self._proposed(picture), picture.shape[:2]
                outputs = self.network.no_outputs()
                if len(regions):
                    arrays = forward(self._crops(picture, regions))
                    outputs = keras.tree.pack_sequence_as(self.network.model.output, arrays)
                meter.advance(1)
                yield self.head.in_picture(regions, outputs, size)
        finally:
            display.close()


def rcnn(
    body: Backbone | keras.Model,
    classes: Sequence[str],
    proposals: Propose = sliding_windows,
    *,
    context: float = 0.07,
    iou: float = 0.3,
    most: int = 100,
    seed: int = 0,
) -> RCNNDetector:
    """Detection by a look at each proposal (Girshick et al., CVPR 2014, arXiv:1311.2524).

    A proposal, with a little of what is around it, is warped to the input of the backbone. On its features stand a
    linear support vector machine per class, of scikit-learn, with hard negatives, and a ridge regression of its box::

        body = ck.backbone("nano", input_shape=(64, 64, 3))         # the size of a crop
        detector = ck.tasks.rcnn(body, photos.classes, ck.tasks.selective_search)
        detector.fit(photos)                                        # in closed form: the backbone stays
        detector.predict(photos.test)                               # a row per box
        detector.evaluate(photos.test)                              # COCO's numbers
        detector.save("runs/rcnn")
        detector = ck.tasks.RCNNDetector(ck.load("runs/rcnn"), ck.tasks.selective_search)

    The paper first trains the backbone on crops of the classes; that is `ck.finetune` on pictures of things.

    Args:
        body: From `ck.backbone`; the cut is what the machines look at, "pool5" of the paper.
        classes: Names in the order of the labels.
        proposals: A function of a picture (h, w, 3) that gives (k, 4) x1, y1, x2, y2.
        context: What a crop shows around the proposal, on each side, as a share of its own side; 16 of 227 pixels in
            the paper.
        iou: Of two boxes of one class that overlap by more, the better one stays.
        most: Boxes per picture.
        seed: Of the initial weights and the solver.

    Raises:
        InputError: A setting out of its range, or no function.
    """
    require_function(proposals)
    head = RCNN(class_names(classes), iou=iou, most=most, seed=seed, context=context)
    return RCNNDetector(attach(body, head, framing=Framing("squash")), proposals)


def sampled(
    proposals: NDArray[np.float64], truth: Boxes, index: int, *, count: int, chance: np.random.Generator
) -> NDArray[np.float64]:
    """(k, 4) the true boxes of a picture that count, and so many of its proposals.

    Args:
        proposals: (m, 4).
        truth: Of all pictures.
        index: Of this one.
        count: Proposals at most; half of them meet a box by an IoU of at least .3, as far as there are such.
        chance: Decides which.
    """
    span = truth.span(index)
    boxes = truth.boxes[span][~not_counted(truth)[span]]
    boxes = boxes[(boxes[:, 2:] > boxes[:, :2]).all(axis=1)]
    near = box_iou(proposals, boxes).max(axis=1, initial=0) >= NOTHING
    ones, others = (chance.permutation(np.flatnonzero(side)) for side in (near, ~near))
    ones = ones[: count // 2]
    return np.concatenate([boxes, proposals[ones], proposals[others[: count - len(ones)]]])
