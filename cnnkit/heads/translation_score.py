"""The scores of a translation: how near each picture is to its target, and how sharp it is beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnkit.data.targets.pictures import Pictures
from cnnkit.data.targets.stored import in_threads
from cnnkit.errors import DataError
from cnnkit.metrics.picture_quality import (
    WINDOW,
    absolute_error,
    gradient_energy,
    peak_signal_to_noise,
    structural_similarity,
)


class TranslationScore:
    """What `ck.evaluate` gives beside the loss of a head of pictures: means over the pictures.

    `l1`, the absolute error as a part of white; `psnr` in decibels, infinite where one is exact; `ssim`, of pictures
    that have room for its window; and `gradient_energy`, the predictions' divided by the targets': below 1 they are
    blurred. What no picture is large enough for is left out.
    """

    def __init__(self) -> None:
        self._rows: list[tuple[float, float, float]] = []
        self._energies = np.zeros(2)

    def add(self, truth: Any, predictions: Any) -> NDArray[np.float64]:
        """Counts `Pictures`; several threads read them.

        Returns:
            (n,) the absolute error.

        Raises:
            DataError: Another number of predictions, another size of a picture, or another kind of truth.
        """
        alike = isinstance(truth, Pictures) and isinstance(predictions, Pictures) and len(truth) == len(predictions)
        if not alike:
            raise DataError(
                "pictures and as many predicted pictures",
                f"{len(truth)} {getattr(truth, 'kind', '')} and {len(predictions)} {getattr(predictions, 'kind', '')}",
                "Give what decode returns for the pictures of this truth.",
            )

        def compared(index: int) -> tuple[tuple[float, float, float], tuple[float, float]]:
            true, said = truth.picture(index)[None], predictions.picture(index)[None]
            if true.shape != said.shape:
                sizes = " and ".join(f"{picture.shape[1]} × {picture.shape[2]}" for picture in (true, said))
                raise DataError("a predicted picture of the size of its target", sizes, "Predict that source.")
            side = min(true.shape[1:3])
            likeness = structural_similarity(true, said)[0] if side >= WINDOW else np.nan
            energies = [gradient_energy(picture)[0] if side > 1 else 0.0 for picture in (true, said)]
            row = (float(absolute_error(true, said)[0]), float(peak_signal_to_noise(true, said)[0]), float(likeness))
            return row, (float(energies[0]), float(energies[1]))

        parts = in_threads(compared, len(truth))
        self._rows += [row for row, _ in parts]
        self._energies += np.sum([energies for _, energies in parts], axis=0)
        return np.array([row[0] for row, _ in parts], np.float64)

    def result(self) -> dict[str, float]:
        """Name → number; nothing where nothing was counted."""
        if not self._rows:
            return {}
        columns = dict(zip(("l1", "psnr", "ssim"), np.transpose(self._rows), strict=True))
        scores = {name: float(np.nanmean(values)) for name, values in columns.items() if not np.isnan(values).all()}
        true, said = self._energies
        return scores | {"gradient_energy": float(said / true)} if true else scores
