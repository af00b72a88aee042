"""Probabilities that mean what they say, and thresholds: what is chosen on validation pictures after the training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.backbones.graph import Node, nodes
from cnnkit.data.source import Source
from cnnkit.errors import DataError, InputError
from cnnkit.heads.calibration_record import CalibrationRecord
from cnnkit.heads.classification import Classifier
from cnnkit.metrics.classification import calibration
from cnnkit.metrics.thresholds import Criterion, best_threshold
from cnnkit.transfer.inference import truth_of
from cnnkit.transfer.network import Network, network_of
from cnnkit.transfer.passes import answers
from cnnkit.transfer.progress import line

Doubles = NDArray[np.float64]

SHARPEST, FLATTEST = 0.01, 100.0
"""Temperatures between which the best one is looked for."""


def choose_threshold(
    network: Network,
    source: Source,
    *,
    by: Criterion = "f1",
    costs: Sequence[float] = (1.0, 1.0),
    at: float | None = None,
    batch_size: int = 32,
    progress: bool = False,
) -> Network:
    """The same network with the threshold that is best on labelled pictures: take validation, never test pictures.

    The head carries it: `predict`, `evaluate` and the report decide by it, and `ck.save` keeps it. The probabilities do
    not change.

    Args:
        network: Of two classes, where the threshold is that of the second, or with several labels, each of which gets
            its own; a label that all these pictures show, or none, keeps what it has.
        source: Labelled pictures, e.g. `photos.validation`.
        by: What is best, see `ck.metrics.best_threshold`.
        costs: Of a false alarm and of a miss, with `by="cost"`.
        at: The precision or recall that is asked for, with `by="precision"` or `"recall"`.
        batch_size: Pictures at a time.
        progress: Whether to show a live line.

    Returns:
        A network with the same model and another head.

    Raises:
        DataError: No labelled pictures of these classes, one class only, or no threshold has that precision or recall.
        InputError: A head without a threshold: one label of three classes or more, or a head of your own.
        UnknownNameError: Another criterion.
    """
    network = network_of(network)
    head = _sigmoid_head(network)
    truth = truth_of(network, source)
    said = answers(network, source, batch_size=batch_size, progress=progress)
    probabilities = np.concatenate([answer.outputs for answer in said])
    targets = head.encode(truth)
    limits = np.broadcast_to(np.asarray(head.threshold), (targets.shape[1],))
    found = _thresholds(targets, probabilities, limits, by=by, costs=costs, at=at)
    return replace(network, head=replace(head, threshold=found if head.multi_label else found[0]))


def calibrate(
    network: Network,
    source: Source,
    *,
    shift: Criterion | None = None,
    costs: Sequence[float] = (1.0, 1.0),
    at: float | None = None,
    batch_size: int = 32,
    progress: bool = True,
) -> Network:
    """The same network with probabilities that mean what they say, by a temperature (Guo et al. 2017).

    All logits are divided by one number, the one with the lowest cross-entropy on labelled pictures: take validation,
    never test pictures. No decision changes. The number goes into the weights of the output layer, so the model stays
    plain Keras; `net.head.calibration` records it, with cross-entropy and calibration error before and after.

    With `shift` a constant is added to each logit so that 0.5 becomes the threshold that is best by that criterion: for
    an assignment that decides at 0.5. The probabilities then no longer mean what they say. Without it a threshold of
    the head moves with its logit.

    Args:
        network: With a Dense layer of sigmoid units or softmax at its end, as `ck.heads.classifier` makes; it stays
            as it is.
        source: Labelled pictures, e.g. `photos.validation`.
        shift: None, or what the best threshold is, see `ck.metrics.best_threshold`.
        costs: Of a false alarm and of a miss, with `shift="cost"`.
        at: The precision or recall that is asked for, with `shift="precision"` or `"recall"`.
        batch_size: Pictures at a time.
        progress: Whether to show a live line and what came out.

    Returns:
        A network with an output layer and a head of its own; all other layers are those of `network`.

    Raises:
        DataError: No labelled pictures of these classes, or the network does no better on them than chance.
        InputError: Another output layer, a head of your own, a head without threshold to shift, or one that was
            calibrated already.
        UnknownNameError: Another criterion.
    """
    network = network_of(network)
    head = _classifier(network)
    truth = truth_of(network, source)
    if shift is not None:
        _sigmoid_head(network)
    if calibration_in_force(network) is not None:
        raise InputError("a network that was not calibrated yet", str(head.calibration), "Calibrate the one before.")
    output = _output(network)
    seen = replace(network, model=keras.Model(network.model.input, output.inputs[0]))
    said = answers(seen, source, batch_size=batch_size, progress=progress)
    features = np.concatenate([answer.outputs for answer in said])
    kernel, bias = (np.asarray(weight, np.float64) for weight in output.layer.get_weights())
    measured = _Answers(features @ kernel + bias, head.encode(truth).astype(np.float64), softmax=head.softmax)
    temperature = measured.best_temperature()
    after = measured.cooled(temperature)
    shifts = np.zeros(len(bias))
    thresholds: Any = _moved(head.threshold, temperature)
    if shift is not None:
        limits = np.full(len(bias), 0.5)
        found = np.array(_thresholds(after.targets, after.probabilities(), limits, by=shift, costs=costs, at=at))
        shifts, thresholds = -_logit(found), 0.5
    weights = [kernel / temperature, bias / temperature + shifts]
    model = _with_output(network.model, output, [weight.astype(np.float32) for weight in weights])
    record = CalibrationRecord(
        temperature=temperature,
        shift=tuple(shifts.tolist()),
        pictures=len(source),
        loss_before=measured.loss(),
        loss_after=after.loss(),
        calibration_error_before=measured.error(),
        calibration_error_after=after.error(),
        kernel=_digest(_output(replace(network, model=model)).layer),
    )
    display = line(progress)
    display.keep(f"calibrated: {record}")
    display.close()
    return replace(network, model=model, head=replace(head, threshold=thresholds, calibration=record))


def calibration_in_force(network: Network) -> CalibrationRecord | None:
    """The record of a calibration whose output layer is still as it left it; None after more training."""
    record = getattr(network.head, "calibration", None)
    if not isinstance(record, CalibrationRecord):
        return None
    return record if record.kernel == _digest(_output(network).layer) else None


@dataclass(frozen=True, eq=False)
class _Answers:
    """Logits of pictures and what is true of them, (n, units) each."""

    logits: Doubles
    targets: Doubles
    softmax: bool

    def cooled(self, temperature: float) -> _Answers:
        """The same with logits divided by a temperature."""
        return replace(self, logits=self.logits / temperature)

    def probabilities(self) -> Doubles:
        """(n, units)."""
        return np.asarray(np.exp(self.logits - self._log_total()))

    def loss(self) -> float:
        """The mean cross-entropy, of sigmoid units over the units too, as in Keras."""
        total, right = self._log_total(), self.targets * self.logits
        losses = total - (right.sum(axis=1, keepdims=True) if self.softmax else right)
        return float(losses.mean())

    def error(self) -> float:
        """The expected calibration error of the answers."""
        p = self.probabilities()
        if self.softmax:
            right, sure = p.argmax(axis=1) == self.targets.argmax(axis=1), p.max(axis=1)
        else:
            decided = p >= 0.5
            right, sure = (decided == self.targets).ravel(), np.where(decided, p, 1 - p).ravel()
        return calibration(right, np.clip(sure, 0, 1)).expected_error

    def best_temperature(self) -> float:
        """The temperature with the lowest loss, the zero of the derivative by its inverse, in which the loss is convex.

        1 where no answer is wrong: the loss would fall for ever towards temperature 0, and nothing says how often the
        network errs.

        Raises:
            DataError: The flatter, the better.
        """
        from scipy.optimize import brentq

        if self._slope(1 / SHARPEST) <= 0:
            return 1.0
        if self._slope(1 / FLATTEST) >= 0:
            raise DataError(
                "a network that does better on these pictures than chance",
                f"a cross-entropy of {self.loss():.3f}, the lower the flatter its probabilities",
                "Train it first, and check that the pictures have the labels of its classes.",
            )
        inverse = np.exp(brentq(lambda x: self._slope(float(np.exp(x))), -np.log(FLATTEST), -np.log(SHARPEST)))
        return float(1 / inverse)

    def _slope(self, inverse: float) -> float:
        """The derivative of the loss by the inverse temperature."""
        p = self.cooled(1 / inverse).probabilities()
        slopes = (p - self.targets) * self.logits
        return float(slopes.sum() / (len(slopes) if self.softmax else slopes.size))

    def _log_total(self) -> Doubles:
        """The logarithm of what exp(logits) is divided by."""
        if self.softmax:
            return np.asarray(np.logaddexp.reduce(self.logits, axis=1, keepdims=True))
        return np.logaddexp(0, self.logits)


def _thresholds(
    targets: NDArray[Any],
    probabilities: NDArray[Any],
    limits: NDArray[Any],
    *,
    by: Criterion,
    costs: Sequence[float],
    at: float | None,
) -> tuple[float, ...]:
    """The best threshold of each unit; of one that only sees one class the one that it has.

    Raises:
        DataError: No unit sees both classes.
    """
    both = [0 < column.sum() < len(column) for column in targets.T]
    if not any(both):
        raise DataError("pictures with and without a class", "one kind only", "Choose on more pictures.")
    return tuple(
        best_threshold(targets[:, unit], probabilities[:, unit], by=by, costs=costs, at=at) if seen else float(limit)
        for unit, (seen, limit) in enumerate(zip(both, limits, strict=True))
    )


def _classifier(network: Network) -> Classifier:
    if not isinstance(network.head, Classifier):
        raise InputError(
            "a network with a head of ck.heads.classifier",
            type(network.head).__name__,
            "It has a place for what is found.",
        )
    return network.head


def _sigmoid_head(network: Network) -> Classifier:
    head = _classifier(network)
    if head.softmax:
        raise InputError(
            "a head with a threshold: of two classes, or with several labels",
            f"one label of {len(head.classes)} classes",
            "The likeliest class is decided for, whatever its probability.",
        )
    return head


def _output(network: Network) -> Node:
    """The Dense layer at the end, with a bias, and softmax or sigmoid."""
    output = network.model.output
    last = next(call for call in nodes(network.model) if any(tensor is output for tensor in call.outputs))
    known = (keras.activations.softmax, keras.activations.sigmoid)
    if isinstance(last.layer, keras.layers.Dense) and last.layer.use_bias and last.layer.activation in known:
        return last
    raise InputError(
        "a Dense layer with softmax or sigmoid and a bias as the last one",
        f"{type(last.layer).__name__} {last.name!r}",
        "ck.heads.classifier ends so.",
    )


def _with_output(model: keras.Model, output: Node, weights: list[NDArray[np.float32]]) -> keras.Model:
    """The model with another output layer of the same kind and name, and these weights; the old one stays as it is."""
    layer = keras.layers.Dense.from_config(output.layer.get_config())
    tensor = layer(output.inputs[0])
    layer.set_weights(weights)
    return keras.Model(model.input, tensor, name=model.name)


def _moved(threshold: float | tuple[float, ...], temperature: float) -> float | tuple[float, ...]:
    """A threshold where its logit is after the temperature: it decides the same."""
    if threshold == 0.5:
        return threshold
    moved = 1 / (1 + np.exp(-_logit(np.asarray(threshold)) / temperature))
    return tuple(moved.tolist()) if isinstance(threshold, tuple) else float(moved)


def _logit(probability: Doubles) -> Doubles:
    return np.asarray(np.log(probability) - np.log1p(-probability))


def _digest(layer: keras.layers.Layer) -> str:
    whole = hashlib.sha256()
    for weight in layer.get_weights():
        whole.update(np.ascontiguousarray(weight).tobytes())
    return whole.hexdigest()
