"""Detectors and segmenters of KerasHub and KerasCV from random weights, fed with cnnkit's pictures and views.

Their pictures, views, order and batches are those of `ck.fit`; what is trained, by which loss, and how it is decoded is
theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from cpu_budget import Budget
from numpy.typing import NDArray

import cnnkit as ck
from cnnkit.data.pipeline import order
from cnnkit.data.random_streams import picture_bits
from cnnkit.data.source import Source
from cnnkit.data.views.view import ViewAugmenter

MOST_BOXES = 100  # of a picture; the scenes have up to 93
LEAST_SCORE = 0.01  # COCO's AP wants the doubtful boxes too; both libraries drop those below .5 and .2 by default


class FollowBudget(keras.callbacks.Callback):
    """Sets the rates by the budget and stops when it is used up.

    Args:
        budget: That of the whole training.
        first_epoch: From which on it sets them; those before have a schedule of their own.
    """

    def __init__(self, budget: Budget, first_epoch: int = 0) -> None:
        super().__init__()
        self.steps = 0
        self._budget = budget
        self._first_epoch = first_epoch
        self._rates: list[tuple[keras.optimizers.Optimizer, float]] = []
        self._since, self._first_step = 0.0, 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        if epoch == self._first_epoch:
            optimizers = getattr(self.model.optimizer, "optimizers", [self.model.optimizer])
            self._rates = [(optimizer, float(optimizer.learning_rate)) for optimizer in optimizers]
            self._since, self._first_step = self._budget.used, self.steps

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        for optimizer, rate in self._rates:
            optimizer.learning_rate = rate * self._budget.factor(self.steps - self._first_step, since=self._since)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
        self.steps += 1
        if self._budget.is_over:
            self.model.stop_training = True


def views(source: Source, augment: ViewAugmenter, size: tuple[int, int], seed: int) -> Iterator[tuple[Any, Any]]:
    """Pictures (h, w, 3) and the truth of one each, without end, in the order and views of `ck.fit`.

    Pictures are kept once they are read, as there.
    """
    kept: dict[int, NDArray[np.uint8]] = {}
    epoch = 0
    while True:
        for index in order(len(source), seed=seed, epoch=epoch, shuffle=True).tolist():
            if index not in kept:
                kept[index] = source.image(index)
            picture = kept[index]
            view = augment.view(picture.shape[:2], np.random.Generator(picture_bits(seed, epoch, index)))
            yield view.pixels(picture), source.targets.take([index]).moved(view.positions, size)
        epoch += 1


@dataclass(frozen=True)
class PeerDetector:
    """A detector of another library.

    Attributes:
        build: Makes the compiled model for (height, width) and a number of classes.
        labels: Name of the classes in its truth.
        lowest: Pixel values that its backbone takes begin there; they end at `highest`.
        highest: As `lowest`.
    """

    build: Callable[[tuple[int, int], int], keras.Model]
    labels: str
    lowest: float = 0.0
    highest: float = 255.0

    def pixels(self, images: NDArray[Any]) -> NDArray[np.float32]:
        """Of 0…255, in the range of its backbone."""
        return np.float32(self.lowest) + images.astype(np.float32) * np.float32((self.highest - self.lowest) / 255)

    def trained(
        self,
        source: Source,
        augment: ViewAugmenter,
        size: tuple[int, int],
        *,
        batch_size: int,
        seed: int,
        budget: Budget,
    ) -> tuple[keras.Model, int]:
        """The model when the budget is used up, and how many pictures it has seen."""
        keras.utils.set_random_seed(seed)
        model = self.build(size, len(source.names))

        def examples() -> Iterator[tuple[Any, Any]]:
            for picture, truth in views(source, augment, size, seed):
                boxes = np.full((MOST_BOXES, 4), -1.0, np.float32)
                classes = np.full(MOST_BOXES, -1.0, np.float32)
                boxes[: len(truth.boxes)], classes[: len(truth.boxes)] = truth.boxes, truth.labels
                yield self.pixels(picture), {"boxes": boxes, self.labels: classes}

        spec = (
            tf.TensorSpec((*size, 3)),
            {
                "boxes": tf.TensorSpec((MOST_BOXES, 4)),
                self.labels: tf.TensorSpec((MOST_BOXES,)),
            },
        )
        batches = tf.data.Dataset.from_generator(examples, output_signature=spec).batch(batch_size, drop_remainder=True)
        follow = FollowBudget(budget)
        model.fit(batches.prefetch(1), epochs=1, callbacks=[follow], verbose=0)
        return model, follow.steps * batch_size

    def predicted(self, model: keras.Model, source: Source, *, batch_size: int = 20) -> ck.data.targets.Boxes:
        """The boxes of all pictures of a source, in their pixels."""
        boxes, labels, scores = [], [], []
        for start in range(0, len(source), batch_size):
            chosen = range(start, min(start + batch_size, len(source)))
            outputs = model.predict(self.pixels(np.stack([source.image(index) for index in chosen])), verbose=0)
            for corners, classes, score in zip(
                outputs["boxes"], outputs[self.labels], outputs["confidence"], strict=True
            ):
                known = (score > 0) & (classes >= 0) & (corners[:, :2] <= corners[:, 2:]).all(axis=1)
                boxes.append(corners[known])
                labels.append(classes[known])
                scores.append(score[known])
        return ck.data.targets.Boxes.of_lists(source.names, boxes, labels, scores=scores)


def optimizer(rate: float) -> keras.optimizers.Optimizer:
    """AdamW as of all that is measured."""
    return keras.optimizers.AdamW(rate, weight_decay=1e-4, global_clipnorm=1.0)


def small_resnet(size: tuple[int, int], *channels: int) -> keras.Model:
    """KerasHub's ResNet of one basic block per stage, of which the first has to have 64 channels."""
    import keras_hub

    return keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=list(channels),
        stackwise_num_blocks=[1] * len(channels),
        stackwise_num_strides=[1] + [2] * (len(channels) - 1),
        block_type="basic_block",
        image_shape=(*size, 3),
    )


def retinanet(
    *, convolutions: int = 4, anchor_size: float = 4.0, prior: float | None = None
) -> Callable[[tuple[int, int], int], keras.Model]:
    """KerasHub's RetinaNet, all settings its defaults.

    Args:
        convolutions: Of each head before the last one, of 256 channels each.
        anchor_size: In strides, of the smallest anchor.
        prior: The probability that class scores begin with (Lin et al. 2017, section 4.1). None leaves what
            keras-hub 0.32.0 does: .5, since the constructor gives the bias of .01 to the head of the boxes.
    """

    def build(size: tuple[int, int], classes: int) -> keras.Model:
        import keras_hub

        settings = {"min_level": 3, "max_level": 5}
        model = keras_hub.models.RetinaNetObjectDetector(
            keras_hub.models.RetinaNetBackbone(
                image_encoder=small_resnet(size, 64, 64, 96, 128), use_p5=False, image_shape=(*size, 3), **settings
            ),
            num_classes=classes,
            bounding_box_format="xyxy",
            anchor_generator=keras_hub.layers.AnchorGenerator(
                "xyxy", num_scales=3, aspect_ratios=[0.5, 1.0, 2.0], anchor_size=anchor_size, **settings
            ),
            pre_logits_num_conv_layers=convolutions,
            prediction_decoder=keras_hub.layers.NonMaxSuppression(
                "xyxy", from_logits=True, confidence_threshold=LEAST_SCORE
            ),
        )
        if prior is not None:
            scores, boxes = (head.prediction_layer.bias for head in (model.classification_head, model.box_head))
            scores.assign(np.full(scores.shape, -np.log((1 - prior) / prior)))
            boxes.assign(np.zeros(boxes.shape))
        model.compile(optimizer=optimizer(1e-3), jit_compile=False)
        return model

    return build


def yolo_v8(*channels: int) -> Callable[[tuple[int, int], int], keras.Model]:
    """KerasCV's YOLOv8 with a backbone of four stages of so many channels, depths and losses as of its smallest."""

    def build(size: tuple[int, int], classes: int) -> keras.Model:
        import keras_cv

        model = keras_cv.models.YOLOV8Detector(
            backbone=keras_cv.models.YOLOV8Backbone(
                stackwise_channels=list(channels),
                stackwise_depth=[1, 2, 2, 1],
                include_rescaling=True,
                input_shape=(*size, 3),
            ),
            num_classes=classes,
            bounding_box_format="xyxy",
            fpn_depth=1,
            prediction_decoder=keras_cv.layers.NonMaxSuppression(
                "xyxy", from_logits=False, confidence_threshold=LEAST_SCORE, iou_threshold=0.7
            ),
        )
        losses = {"box_loss": "ciou", "classification_loss": "binary_crossentropy"}
        model.compile(**losses, optimizer=optimizer(1e-3), jit_compile=False)
        return model

    return build


DETECTORS = {
    "RetinaNet, KerasHub": PeerDetector(retinanet(), "labels", -1.0, 1.0),
    "RetinaNet, KerasHub, fitted": PeerDetector(
        retinanet(convolutions=1, anchor_size=2.0, prior=0.01), "labels", -1.0, 1.0
    ),
    "YOLOv8, KerasCV": PeerDetector(yolo_v8(32, 64, 128, 256), "classes"),
    "YOLOv8, KerasCV, narrow": PeerDetector(yolo_v8(16, 32, 64, 128), "classes"),
}
"""Name → detector, none with pretrained weights."""


def deeplab(size: tuple[int, int], classes: int) -> keras.Model:
    """KerasHub's DeepLab v3+ on the stage of stride 16 of a small ResNet, with its own widths and the paper's rates."""
    import keras_hub

    backbone = keras_hub.models.DeepLabV3Backbone(
        image_encoder=small_resnet(size, 64, 96, 128),
        spatial_pyramid_pooling_key="P4",
        upsampling_size=4,
        dilation_rates=[6, 12, 18],
        low_level_feature_key="P2",
        image_shape=(*size, 3),
    )
    return keras_hub.models.DeepLabV3ImageSegmenter(backbone, num_classes=classes)


def pixel_loss(class_weight: NDArray[Any]) -> Callable[[Any, Any], Any]:
    """Weighed cross-entropy plus Keras's Dice loss over the batch, without pixels of no class."""
    weights = np.asarray(class_weight, np.float32)

    def loss(labels: Any, logits: Any) -> Any:
        of_class = keras.ops.one_hot(keras.ops.cast(labels, "int32"), len(weights))  # zeros where it is 255
        weighed = of_class * weights
        known = keras.ops.sum(of_class, axis=-1, keepdims=True)
        entropy = -keras.ops.sum(weighed * keras.ops.log_softmax(logits)) / keras.ops.sum(weighed)
        overlap = keras.losses.dice(of_class, keras.ops.softmax(logits) * known, axis=(0, 1, 2))
        return entropy + keras.ops.mean(overlap)

    return loss


def trained_segmenter(
    build: Callable[[tuple[int, int], int], keras.Model],
    source: Source,
    augment: ViewAugmenter,
    size: tuple[int, int],
    *,
    class_weight: NDArray[Any],
    batch_size: int,
    seed: int,
    budget: Budget,
) -> tuple[keras.Model, int]:
    """The model when the budget is used up, and how many parts of pictures it has seen; pixels are −1…1."""
    keras.utils.set_random_seed(seed)
    model = build(size, len(source.names))
    model.compile(optimizer=optimizer(1e-3), loss=pixel_loss(class_weight), metrics=[], jit_compile=False)

    def examples() -> Iterator[tuple[Any, Any]]:
        for picture, truth in views(source, augment, size, seed):
            yield picture / np.float32(127.5) - 1, truth.mask(0)

    spec = tf.TensorSpec((*size, 3)), tf.TensorSpec(size, tf.uint8)
    batches = tf.data.Dataset.from_generator(examples, output_signature=spec).batch(batch_size, drop_remainder=True)
    follow = FollowBudget(budget)
    model.fit(batches.prefetch(1), epochs=1, callbacks=[follow], verbose=0)
    return model, follow.steps * batch_size


def label_maps(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, h, w) the likeliest classes; pictures are mirrored at the lower edge to a multiple of 32."""
    height = images.shape[1]
    padded = np.pad(images, ((0, 0), (0, -height % 32), (0, 0), (0, 0)), mode="reflect")
    maps = [model(image[None] / np.float32(127.5) - 1, training=False)[0] for image in padded]
    return np.stack([np.asarray(keras.ops.argmax(logits, axis=-1)) for logits in maps])[:, :height].astype(np.uint8)
