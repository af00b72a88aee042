"""The procedural picture generator: street, park and room scenes with people and look-alikes, and faces.

The road of one scene: `world` composes, `backdrops` and the sketches of `people`, `animals`, `vehicles`, … are
painted on a `canvas`, `annotations` reads boxes, masks and keypoints off it, `photo` does what a camera does.
"""

from cnnkit.data.drawing.annotations import Scene
from cnnkit.data.drawing.scene_drawing import render_scene, render_scenes, shows_person
from cnnkit.data.drawing.semantics import CATEGORIES, SEMANTIC

__all__ = ["CATEGORIES", "SEMANTIC", "Scene", "render_scene", "render_scenes", "shows_person"]
