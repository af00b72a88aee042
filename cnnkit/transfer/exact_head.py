"""The exact head: logistic regression on features, solved to its optimum instead of stepped towards it.

The protocol of Kornblith, Shlens and Le, "Do Better ImageNet Models Transfer Better?" (2019), section 3: a linear head
on frozen features by L-BFGS, its L2 strength chosen on validation pictures. Where they are few, or none, a
cross-validation of the training pictures has a say too: of 36 photographs that are all told apart the loss only says
that larger weights are better. The cross-entropy of a linear head is convex, so the optimum does not depend on a rate,
an order or a seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from cnnkit.errors import InputError
from cnnkit.heads.head import ConvexHead, CrossEntropy, Head
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.tally import Tally
from cnnkit.transfer.whitening import Doubles, Floats, Linear, Scaling, Whitening

# From strong to weak, so that each optimum is the start of the next one. Of the mean loss, on features of variance 1.
STRENGTHS = tuple(float(strength) for strength in np.geomspace(1, 1e-6, 13))
PATIENCE = 2  # weaker strengths without a lower validation loss, after which the path ends
FOLDS = 5  # of a cross-validation
FEW_PICTURES = 100  # of validation, below which a cross-validation of the training pictures is added to them
ITERATIONS = 300  # of L-BFGS, at most
# The largest derivative at the optimum, and the fall of the loss from one iteration to the next below which an
# iteration is the last: rounding moves both as much.
TOLERANCE = {"float64": 1e-9, "float32": 1e-6}
FALL = {"float64": 1e-12, "float32": 1e-9}
# Up to so many features their covariance is worth its time: it saves L-BFGS six of seven iterations.
WHITENED_FEATURES = 4096

# Rounding hides the last steps to the optimum of few examples; of many it averages out, and memory counts.
DOUBLED_NUMBERS = 4_000_000


@dataclass(frozen=True, eq=False)
class Examples:
    """What a linear head sees of pictures.

    Attributes:
        features: (n, d).
        targets: (n, units), as the head encodes labels; of a head in closed form whatever it encodes.
        weights: (n,) in the loss, or None for all the same.
    """

    features: Floats
    targets: Any
    weights: Floats | None = None

    def take(self, rows: NDArray[np.bool_]) -> Examples:
        """Those at the rows that are True."""
        return Examples(self.features[rows], self.targets[rows], None if self.weights is None else self.weights[rows])


def solve_head(tail: keras.Model, head: Head, training: Feed, validation: Feed | None, views: int) -> dict[str, float]:
    """Puts the best of a path of optima into the tail's Dense layer.

    Args:
        tail: A Dense layer, behind dropout or nothing.
        head: Of the network.
        training: Its pictures' features are all in memory while it is solved.
        validation: Chooses the strength, as in `solve`.
        views: How many versions of each training picture count; the first of each chooses the strength.

    Returns:
        Loss and metrics of training and, with the prefix `val_`, of validation if any, and `l2`, the strength.

    Raises:
        InputError: The tail is not linear.
    """
    dense = linear_layer(tail)
    seen, held_out = gather(training, 1), None if validation is None else gather(validation, 1)
    best = solve(head, seen, held_out)
    if views > 1:
        seen = gather(training, views)
        (best,) = _optima(head, seen, [best.strength])
    dense.kernel.assign(best.kernel)
    dense.bias.assign(best.bias)
    scores = {} if held_out is None else score_of(head, best, held_out)
    of_training = score_of(head, best, seen)
    return {**of_training, **{f"val_{name}": value for name, value in scores.items()}, "l2": best.strength}


def solve(head: Head, seen: Examples, held_out: Examples | None) -> Linear:
    """The best of a path of optima for a linear head.

    Args:
        head: Whose loss and metrics count.
        seen: To fit.
        held_out: Chooses the strength: the lowest loss wins. Of few pictures, or without any, the losses of a
            cross-validation of `seen` are added.

    Raises:
        InputError: The head has another loss than cross-entropy.
    """
    parts = [] if held_out is None else [(seen, held_out)]
    if held_out is None or len(held_out.targets) < FEW_PICTURES:
        parts += folds(seen)
    if not parts:  # one example says nothing of any other
        return next(_optima(head, seen, STRENGTHS))
    paths = [_optima(head, inside, STRENGTHS) for inside, _ in parts]
    best: tuple[Linear, ...] = ()
    least, waited = math.inf, 0
    for linears in zip(*paths, strict=True):
        losses = (
            score_of(head, linear, outside)["loss"] * len(outside.targets)
            for linear, (_, outside) in zip(linears, parts, strict=True)
        )
        loss = math.fsum(losses)
        best, least, waited = (linears, loss, 0) if loss < least else (best, least, waited + 1)
        if waited == PATIENCE:
            break
    if held_out is not None:
        return best[0]
    stronger = [strength for strength in STRENGTHS if strength >= best[0].strength]
    *_, whole = _optima(head, seen, stronger)
    return whole


def folds(seen: Examples) -> list[tuple[Examples, Examples]]:
    """The examples without a fifth of them, and that fifth, five times; each class is spread as evenly as it goes.

    Which example is in which fifth depends on its features, not on the order of the examples. Of one example there are
    none.
    """
    if len(seen.targets) < 2:
        return []
    fold = np.empty(len(seen.targets), np.int64)
    fold[np.lexsort((seen.features.sum(axis=1), *seen.targets.T))] = np.arange(len(fold)) % FOLDS
    return [(seen.take(fold != number), seen.take(fold == number)) for number in range(min(FOLDS, len(fold)))]


def _optima(head: Head, seen: Examples, strengths: Sequence[float]) -> Iterator[Linear]:
    """The path of a head with its loss."""
    loss = convex_loss(head)
    return path(seen, softmax=loss.softmax, smoothing=loss.smoothing, strengths=strengths)


def linear_layer(tail: keras.Model) -> keras.layers.Dense:
    """The only layer of a tail that does anything in inference.

    Raises:
        InputError: There are others, or it is no Dense layer with softmax or sigmoid and a bias.
    """
    idle = (keras.layers.InputLayer, keras.layers.Dropout)
    layers = [layer for layer in tail.layers if not isinstance(layer, idle)]
    if len(layers) == 1 and isinstance(layers[0], keras.layers.Dense) and layers[0].use_bias:
        known = (keras.activations.softmax, keras.activations.sigmoid)
        if layers[0].activation in known and len(tail.inputs[0].shape) == 2:
            return layers[0]
    raise InputError(
        "a linear head on frozen features for solver='lbfgs'",
        f"the layers {[layer.name for layer in layers]} train",
        "Make the head without hidden layers, and train='head'.",
    )


def convex_loss(head: Head) -> CrossEntropy:
    """The loss that the solver minimises.

    Raises:
        InputError: The head has another one: it would get the optimum of a loss that is not its own.
    """
    loss = head.cross_entropy if isinstance(head, ConvexHead) else None
    if loss is None:
        raise InputError(
            "a head with a cross-entropy for solver='lbfgs', which solves a convex loss",
            f"the loss of {head!r}"[:200],
            'Use loss="cross_entropy" or "class_balanced", or solver="steps", which takes any loss.',
        )
    return loss


def gather(feed: Feed, views: int) -> Examples:
    """The features, targets and weights of all pictures, of the first `views` versions of each."""
    batches = [batch for view in range(views) for batch in feed.epoch(view)]
    weights = [batch.weights for batch in batches if batch.weights is not None]
    return Examples(
        features=np.concatenate([np.asarray(batch.inputs[0], np.float32) for batch in batches]),
        targets=keras.tree.map_structure(lambda *parts: np.concatenate(parts), *(batch.targets for batch in batches)),
        weights=np.concatenate(weights) if weights else None,
    )


def path(
    examples: Examples, *, softmax: bool, smoothing: float = 0.0, strengths: Sequence[float] = STRENGTHS
) -> Iterator[Linear]:
    """The optimum for each L2 strength, each found from the one before.

    The loss is that of Keras: the mean over pictures of weight × cross-entropy (for sigmoid units the mean over units),
    plus strength / 2 × the squared kernel, measured on features shifted and scaled to mean 0 and variance 1.

    Args:
        examples: To fit.
        softmax: One distribution over the units, else each unit is a sigmoid of its own.
        smoothing: Label smoothing.
        strengths: From strong to weak.
    """
    x: Floats | Doubles = examples.features
    if x.size <= DOUBLED_NUMBERS:
        x = x.astype(np.float64)
    targets = examples.targets.astype(np.float64)
    targets = targets * (1 - smoothing) + smoothing / (targets.shape[1] if softmax else 2)
    count, units = targets.shape
    share = (np.ones(count) if examples.weights is None else examples.weights.astype(np.float64))[:, None] / count
    share = share if softmax else share / units
    scaling = Scaling.of(x)
    if count >= x.shape[1] or count > WHITENED_FEATURES:
        yield from _scaled_path(x, scaling, targets, share, softmax=softmax, strengths=strengths)
        return
    # The penalty keeps the optimum in the space that the examples span: of few it is far smaller than that of all
    # features (the representer theorem), and so is what an iteration costs.
    with one_thread():
        basis, x = scaling.row_space(x)
    for linear in _scaled_path(x, Scaling.none(x.shape[1]), targets, share, softmax=softmax, strengths=strengths):
        yield scaling.linear(linear.bias, basis @ linear.kernel, linear.strength)


def _scaled_path(
    x: Floats | Doubles,
    scaling: Scaling,
    targets: Doubles,
    share: Doubles,
    *,
    softmax: bool,
    strengths: Sequence[float],
) -> Iterator[Linear]:
    """The path on features (n, d) that `scaling` scales, with smoothed targets (n, units); `share` weighs their losses.

    Yields:
        Heads on features that are not scaled.
    """
    from scipy.optimize import minimize

    units = targets.shape[1]

    def curvature(linear: Linear) -> float:
        """The mean derivative of a unit's slope by its logit: p (1 − p), which falls as the pictures are told apart."""
        predicted = _probabilities(linear.logits(x), softmax=softmax)
        return float((share * predicted * (1 - predicted)).sum() / units)

    def objective(parameters: Doubles, strength: float, whitening: Whitening) -> tuple[float, Doubles]:
        bias, kernel = whitening.coloured(parameters.reshape(-1, units))
        logits = scaling.linear(bias, kernel, strength).logits(x)
        total, right = _log_total(logits, softmax=softmax), targets * logits
        losses = total - (right.sum(axis=1, keepdims=True) if softmax else right)
        slope = share * (np.exp(logits - total) - targets)  # (n, units): of the loss by the logits
        of_bias = slope.sum(axis=0)
        of_kernel = np.asarray(x.T @ slope.astype(x.dtype), np.float64) - np.outer(scaling.mean, of_bias)
        of_kernel = of_kernel / scaling.deviation[:, None] + strength * kernel
        loss = float((share * losses).sum()) + strength / 2 * float((kernel**2).sum())
        return loss, whitening.gradient(of_bias, of_kernel).ravel()

    bias, kernel = np.zeros(units), np.zeros((x.shape[1], units))
    covariance = scaling.covariance(x) if x.shape[1] <= WHITENED_FEATURES else None
    options = {"maxiter": ITERATIONS, "gtol": TOLERANCE[str(x.dtype)], "ftol": FALL[str(x.dtype)]}
    for strength in strengths:
        with one_thread():
            start_curvature = curvature(scaling.linear(bias, kernel, strength))
            whitening = Whitening.of(covariance, start_curvature, strength, x.shape[1])
            start = whitening.whitened(bias, kernel).ravel()
            found = minimize(objective, start, args=(strength, whitening), jac=True, method="L-BFGS-B", options=options)
        bias, kernel = whitening.coloured(found.x.reshape(-1, units))
        yield scaling.linear(bias, kernel, strength)


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra on one thread.

    Products with one vector wait for memory, not for a core: a second thread gains nothing, and where another process
    takes its core each of them waits for it, five times as long in all. A small factorization waits a hundred times as
    long as it takes.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


def score_of(head: Head, linear: Linear, examples: Examples) -> dict[str, float]:
    """Loss and measures of examples with `linear` as the head."""
    tally = Tally(head)
    probabilities = _probabilities(linear.logits(examples.features), softmax=convex_loss(head).softmax)
    tally.add(examples.targets, probabilities.astype(np.float32))
    return tally.result()


def _probabilities(logits: Doubles, *, softmax: bool) -> Doubles:
    return np.asarray(np.exp(logits - _log_total(logits, softmax=softmax)))


def _log_total(logits: Doubles, *, softmax: bool) -> Doubles:
    """The logarithm of what exp(logits) is divided by."""
    return np.logaddexp.reduce(logits, axis=1, keepdims=True) if softmax else np.logaddexp(0, logits)
