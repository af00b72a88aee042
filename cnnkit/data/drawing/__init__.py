"""The procedural picture generator: street, park and room scenes with people and look-alikes, and faces.

The road of one scene: `world` composes, `backdrops` and the sketches of `people`, `animals`, `vehicles`, … are
painted on a `canvas`, `annotations` reads boxes, masks and keypoints off it, `photo` does what a camera does.
Everything random comes from `randomness`, everything that makes it hard from `difficulty`.
"""

from cnnkit.data.drawing.annotations import Scene
from cnnkit.data.drawing.coco_export import write_coco
from cnnkit.data.drawing.face_drawing import Face, render_face
from cnnkit.data.drawing.folder_export import write_folders
from cnnkit.data.drawing.scene_drawing import render_scene, render_scenes, shows_person
from cnnkit.data.drawing.semantics import CATEGORIES, SEMANTIC
from cnnkit.data.drawing.stream import as_tf_data

__all__ = [
    "CATEGORIES",
    "SEMANTIC",
    "Face",
    "Scene",
    "as_tf_data",
    "render_face",
    "render_scene",
    "render_scenes",
    "shows_person",
    "write_coco",
    "write_folders",
]
