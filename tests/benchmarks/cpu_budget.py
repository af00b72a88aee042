"""A budget of CPU seconds of all threads, and rates that follow the part of it that is used up.

Whoever trains asks for the rate before each step and whether to stop after it, so that a machine that is slower just
then shortens the training and not the way down to rate 0. Without Keras, for peers that have none.
"""

from __future__ import annotations

import math
import time

WARM_STEPS = 30  # over which the rate rises; in steps, since the first one is slow: it compiles


class Budget:
    """CPU seconds of this process, counted from here on.

    Args:
        seconds: How many there are.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._started = time.process_time()

    @property
    def used(self) -> float:
        """CPU seconds since it began."""
        return time.process_time() - self._started

    @property
    def is_over(self) -> bool:
        """Whether this step was the last one."""
        return self.used >= self.seconds

    def factor(self, step: int, *, since: float = 0.0) -> float:
        """What the rate is multiplied by: it rises over the first steps, then falls along a cosine to 0.

        Args:
            step: Counted from 0.
            since: CPU seconds that were used when step 0 began.
        """
        part = min(1.0, (self.used - since) / max(self.seconds - since, 1e-9))
        return min(1.0, (step + 1) / WARM_STEPS) * (1 + math.cos(math.pi * part)) / 2
