"""What a calibration did to a head, as a value that is saved with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CalibrationRecord:
    """Made by `ck.calibrate`, whose docstring explains temperature and shift.

    Attributes:
        temperature: What the logits were divided by; above 1 the network had been too sure.
        shift: What was added to each logit afterwards so that 0.5 became the best threshold; 0 where nothing was.
        pictures: How many it was chosen on.
        loss_before: Mean cross-entropy on them.
        loss_after: The same after the temperature, before the shift.
        calibration_error_before: The expected calibration error on them, 0…1.
        calibration_error_after: The same after the temperature, before the shift.
        kernel: sha256 of the output layer's weights as the calibration left them: training on makes it another layer.
    """

    temperature: float
    shift: tuple[float, ...]
    pictures: int
    loss_before: float
    loss_after: float
    calibration_error_before: float
    calibration_error_after: float
    kernel: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "shift", tuple(self.shift))  # JSON makes it a list

    def __str__(self) -> str:
        shifted = ", shifted so that 0.5 is the best threshold" if any(self.shift) else ""
        return (
            f"temperature {self.temperature:.3g} from {self.pictures:,} pictures{shifted}: cross-entropy "
            f"{self.loss_before:.3f} → {self.loss_after:.3f}, expected calibration error "
            f"{self.calibration_error_before:.3f} → {self.calibration_error_after:.3f}"
        )
