"""What Keras layers make of shapes and what they cost, from their configuration alone: no Keras, nothing built.

One row of `table.LAYERS` per Keras class says where it comes from, which arguments it has, and how the shape of its
output, its weights and its multiply-adds follow from them; rows of `table.OPERATIONS` say it of `keras.ops`. Counting
(`ck.backbones.count`) and the gate of submissions read the same rows, so the two cannot disagree. A class is added by a
row beside the functions of its kind: `convolution`, `pooling`, `elementwise` …
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
