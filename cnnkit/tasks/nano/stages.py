"""The work of the distillation as a table: a row is a stage."""

from __future__ import annotations

from dataclasses import dataclass, field

from cnnkit.tasks.nano.crops import Mix
from cnnkit.tasks.nano.teaching import STUDENT_SIDE


@dataclass(frozen=True)
class Stage:
    """One stage of the distillation.

    Attributes:
        name: What it is for.
        chunks: How many new chunks of crops the teacher sees first.
        steps: Optimizer steps.
        rate: Learning rate at the beginning and at the end; it goes from one to the other in a straight line.
        batch: Crops in a step.
        side: Pixels of the student's pictures, 96 or 64. Small pictures first teach more in the same time (Tan and
            Le, "EfficientNetV2", section 4).
        newest: Crops are drawn from that many newest chunks.
        size: Crops in a new chunk.
        mix: How new crops are made.
        scenes: Drawn scenes among the pictures that new crops are taken from.
        anew: Begins with new heads and a new optimizer; of what went before, the backbone alone is kept.
    """

    name: str
    chunks: int
    steps: int
    rate: tuple[float, float]
    batch: int = 64
    side: int = STUDENT_SIDE
    newest: int = 8
    size: int = 20_000
    mix: Mix = field(default_factory=Mix)
    scenes: int = 0
    anew: bool = False


SOME_DRAWN = Mix(small=0.15, drawn=0.12)
STAGES = (
    Stage("warm up", chunks=2, steps=200, rate=(1e-4, 1.2e-3)),
    Stage("learn", chunks=0, steps=550, rate=(1.2e-3, 1.2e-3)),
    Stage("see more, small", chunks=2, steps=2000, rate=(1.2e-3, 1.2e-3), batch=32, side=64),
    Stage("see most, small", chunks=1, steps=3500, rate=(1.2e-3, 1.2e-3), side=64),
    Stage("calm down, small", chunks=0, steps=1600, rate=(1.2e-3, 5e-4), side=64),
    Stage(
        "full size, scenes among them",
        chunks=1,
        steps=650,
        rate=(5e-4, 3.2e-4),
        size=8_000,
        mix=Mix(small=0.1, drawn=0.75),
        scenes=600,
    ),
    Stage("full size, slower", chunks=0, steps=1900, rate=(6e-4, 0.0)),
    Stage("full size, again", chunks=0, steps=850, rate=(3e-4, 0.0)),
    Stage("full size, to the end", chunks=0, steps=1600, rate=(6e-4, 0.0)),
    Stage("anew", chunks=4, steps=600, rate=(1e-4, 1.2e-3), newest=4, mix=SOME_DRAWN, scenes=1200, anew=True),
    Stage("anew, small", chunks=4, steps=4000, rate=(1.2e-3, 1.2e-3), side=64, mix=SOME_DRAWN, scenes=1200),
    Stage("anew, full size", chunks=0, steps=4000, rate=(1.2e-3, 8e-4)),
    Stage("anew, to the end", chunks=0, steps=5000, rate=(8e-4, 0.0)),
)
