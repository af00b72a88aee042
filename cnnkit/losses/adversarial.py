"""What a discriminator learns, and what a generator learns from it: whether each patch of a picture is real."""

from __future__ import annotations

from typing import Any, Literal, get_args

from keras import ops

from cnnkit.errors import unknown_name

Tensor = Any  # whatever keras.ops computes with: a tensor of the backend, or an array
Objective = Literal["log", "squares"]


def adversarial(logits: Tensor, *, real: bool, objective: Objective = "log") -> Tensor:
    """The loss of logits that are to say "real" or "not real", the mean over the patches of each picture.

    Args:
        logits: (n, …) of the discriminator, one per patch.
        real: What they are to say. A discriminator learns True of real pictures and False of generated ones; a
            generator learns True of its own, the loss that does not saturate (Goodfellow et al. 2014, section 3).
        objective: `"log"`: cross-entropy, as in Pix2Pix; `"squares"`: the squared distance from 1 or 0 (least-squares
            GAN, Mao et al. 2017, arXiv:1611.04076, equation 9), as in CycleGAN.

    Returns:
        (n,)

    Raises:
        UnknownNameError: Another objective.

    >>> import numpy as np
    >>> adversarial(np.zeros((1, 2, 2, 1)), real=True, objective="squares").numpy().tolist()
    [1.0]
    """
    if objective not in get_args(Objective):
        raise unknown_name("an objective", str(objective), get_args(Objective))
    logits = ops.convert_to_tensor(logits)
    values = ops.softplus(-logits if real else logits) if objective == "log" else ops.square(logits - float(real))
    return ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=1)
