"""The procedural picture generator: street, park and room scenes with people and look-alikes, and faces.

The road of one scene: `world` composes, `backdrops` and the sketches of `people`, `animals`, `vehicles`, … are
painted on a `canvas`, `annotations` reads boxes, masks and keypoints off it, `photo` does what a camera does.
Everything random comes from `randomness`, everything that makes it hard from `difficulty`.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
