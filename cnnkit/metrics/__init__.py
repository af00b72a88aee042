"""Numbers that say how good predictions are: NumPy arrays in, plain numbers out, no framework.

`…_score` is to be raised, `…_loss` and `…_error` are to be lowered.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
