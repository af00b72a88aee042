"""The table of things that are not people, and how often each appears where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cnnkit.scenes import animals, furniture, plants, street_things, vehicles
from cnnkit.scenes.randomness import Dice
from cnnkit.scenes.sketch import Sketch


@dataclass(frozen=True)
class Thing:
    """One row: something that stands on the ground.

    Args:
        name: Of the row.
        category: Class name in the annotations.
        semantic: Class in the semantic map.
        draw: Draws it with a given height in metres.
        height: Lowest and highest height in metres.
        street: Weight in a street; 0 never.
        park: Weight in a park.
        room: Weight in a room.
        front: Weight as something low that hides the lower part of a figure.
        confuser: Whether it has a head, clothes or arms; `Difficulty.confusers` scales its weights.
    """

    name: str
    category: str
    semantic: str
    draw: Callable[[Sketch, Dice, float], None]
    height: tuple[float, float]
    street: float
    park: float
    room: float
    front: float = 0.0
    confuser: bool = False


THINGS: tuple[Thing, ...] = (
    Thing("tree", "tree", "vegetation", plants.draw_tree, (2.6, 5.0), 3, 5, 0),
    Thing("cypress", "tree", "vegetation", plants.draw_cypress, (1.5, 3.0), 2, 3, 0),
    Thing("bare tree", "tree", "vegetation", plants.draw_bare_tree, (1.6, 3.6), 2, 4, 0, confuser=True),
    Thing("bush", "bush", "vegetation", plants.draw_bush, (0.5, 1.1), 1, 2, 0, 3),
    Thing("potted plant", "potted plant", "vegetation", plants.draw_pot_plant, (0.6, 1.6), 1, 0, 5, 2),
    Thing("dog", "dog", "animal", animals.draw_dog, (0.45, 0.85), 3, 4, 2, 1),
    Thing("sitting dog", "dog", "animal", animals.draw_sitting_dog, (0.5, 0.85), 2, 3, 2, 1),
    Thing("cat", "cat", "animal", animals.draw_cat, (0.3, 0.5), 2, 2, 4, 0.5),
    Thing("bird", "bird", "animal", animals.draw_bird, (0.3, 1.1), 2, 4, 0),
    Thing("car", "car", "car", vehicles.draw_car, (1.4, 1.9), 5, 0, 0, 1.5),
    Thing("bicycle", "bicycle", "bicycle", vehicles.draw_bicycle, (0.95, 1.1), 4, 3, 0.5, 1),
    Thing("chair", "chair", "furniture", furniture.draw_chair, (0.8, 1.1), 0.5, 0.5, 6, 3),
    Thing("bench", "bench", "furniture", furniture.draw_bench, (0.8, 1.0), 1, 2, 0, 3),
    Thing("sofa", "couch", "furniture", furniture.draw_sofa, (0.8, 1.0), 0, 0, 3, 2),
    Thing("table", "dining table", "furniture", furniture.draw_table, (0.7, 0.85), 0, 0, 2, 3),
    Thing("standing lamp", "lamp", "furniture", furniture.draw_lamp, (1.3, 1.8), 0, 0, 5),
    Thing("coat rack", "coat rack", "furniture", furniture.draw_coat_rack, (1.6, 1.95), 0.5, 0, 7, confuser=True),
    Thing("cupboard", "cupboard", "furniture", furniture.draw_cupboard, (1.5, 2.1), 0, 0, 2),
    Thing("tailor's dummy", "mannequin", "statue", furniture.draw_mannequin, (1.3, 1.75), 1, 0, 4, confuser=True),
    Thing("street lamp", "pole", "street object", street_things.draw_lamp_post, (2.6, 4.5), 3, 2, 0),
    Thing("sign", "pole", "street object", street_things.draw_sign, (1.8, 2.8), 4, 2, 0),
    Thing("traffic light", "traffic light", "street object", street_things.draw_traffic_light, (2.2, 3.2), 2, 0, 0),
    Thing("hydrant", "fire hydrant", "street object", street_things.draw_hydrant, (0.7, 1.1), 4, 1, 0, 1),
    Thing("statue", "statue", "statue", street_things.draw_statue, (1.5, 2.6), 3, 4, 1.5, confuser=True),
    Thing("snowman", "snowman", "statue", street_things.draw_snowman, (1.0, 1.8), 1, 2, 0.3, confuser=True),
    Thing("scarecrow", "scarecrow", "statue", street_things.draw_scarecrow, (1.5, 1.95), 2, 4, 0.5, confuser=True),
    Thing("bag", "suitcase", "bag", street_things.draw_bag, (0.4, 0.95), 2, 1, 3, 1),
    Thing("trash can", "trash can", "street object", street_things.draw_trash_can, (0.8, 1.1), 2, 2, 1, 2),
    Thing("mailbox", "mailbox", "street object", street_things.draw_mailbox, (1.3, 1.7), 3, 1, 0),
    Thing("barrier", "barrier", "street object", street_things.draw_barrier, (0.6, 1.0), 2, 1, 0, 3),
    Thing("laundry", "laundry", "street object", street_things.draw_laundry, (1.7, 2.1), 1, 2, 0.5, confuser=True),
    Thing("parasol", "umbrella", "street object", street_things.draw_parasol, (1.9, 2.6), 2, 2, 0),
    Thing("ball", "sports ball", "ball", street_things.draw_balls, (0.22, 0.6), 0.5, 1.5, 1, 0.3),
)  # fmt: skip
"""Everything that is no person; categories are in `semantics.CATEGORIES`."""
