"""What runs a network, made once and used until the network is another one.

Tracing takes a second, a picture a hundredth of it. What is made here lives and dies with the network that owns it.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any

import keras

from cnnkit.engines.folded_graph import trace
from cnnkit.engines.forward import Forward
from cnnkit.engines.runtimes import Precision, Runtime
from cnnkit.engines.unchanged import LayerSettings

# Folding a graph takes as long as it saves on about a hundred pictures. Up to here the graph runs as Keras traces it,
# which reads the weights anew each time: nothing can be out of date.
FEW_PICTURES = 64


class ForwardCache:
    """The `Forward` of a model for each engine and precision that was asked for; safe to use from several threads.

    The graph is traced again only where a layer was set to something else. It reads the weights from the variables; a
    folded graph holds them as constants, and is made anew from the same trace where a weight was written to.

    Args:
        model: As for `Forward`.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._lock = Lock()
        self._settings: LayerSettings | None = None
        self._traced: Any = None
        self._forwards: dict[tuple[str, Precision, bool], Forward] = {}

    def __reduce__(self) -> tuple[type[ForwardCache], tuple[keras.Model]]:
        # A copy of a network makes its own.
        return ForwardCache, (self._model,)

    def find(
        self,
        runtime: Runtime,
        *,
        pictures: int,
        say: Callable[[str], None],
    ) -> Forward:
        """What gives the numbers of the model as it is now.

        Args:
            runtime: As for `Forward`.
            pictures: How many there are in all. It decides alone whether the graph is folded: the same call gives the
                same numbers, whatever was called before.
            say: Is told in one line what runs.
        """
        name, precision = runtime.row.name, runtime.precision
        folded = pictures > FEW_PICTURES or (name, precision) != ("tensorflow", "float32")
        with self._lock:
            if self._settings is None or not self._settings.same():
                self._settings = LayerSettings(self._model)
                self._traced = None
                self._forwards.clear()
            forward = self._forwards.get((name, precision, folded))
            if forward is None or not forward.is_current():
                forward = Forward(self._model, runtime, folded=folded, trace=self._trace)
                self._forwards[name, precision, folded] = forward
        forward.tell(say)
        return forward

    def _trace(self, model: keras.Model) -> Any:
        with self._lock:
            if self._traced is None:
                self._traced = trace(model)
            return self._traced
