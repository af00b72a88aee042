"""The classes of the semantic map and the categories of things, as two tables."""

from __future__ import annotations

SEMANTIC: tuple[str, ...] = (
    "sky", "ground", "road", "sidewalk", "water", "building", "wall", "floor", "vegetation", "furniture",
    "person", "car", "bicycle", "animal", "street object", "bag", "statue", "ball",
)  # fmt: skip
"""Names of the semantic classes; a map holds their positions (`uint8`)."""

STANDABLE: tuple[str, ...] = ("ground", "road", "sidewalk", "floor")
"""The classes on which shadows fall."""

CATEGORIES: dict[str, int] = {
    "person": 1, "bicycle": 2, "car": 3, "traffic light": 10, "fire hydrant": 11, "stop sign": 13,
    "parking meter": 14, "bench": 15, "bird": 16, "cat": 17, "dog": 18, "backpack": 27, "umbrella": 28,
    "handbag": 31, "suitcase": 33, "kite": 38, "chair": 62, "couch": 63, "potted plant": 64,
    "dining table": 67, "vase": 86, "clock": 85, "sports ball": 37, "teddy bear": 88,
    "tree": 101, "pole": 102, "statue": 103, "coat rack": 104, "scarecrow": 105, "lamp": 106, "bush": 107,
    "mannequin": 108, "trash can": 109, "laundry": 110, "mailbox": 111, "snowman": 112, "cupboard": 113,
    "barrier": 114,
}  # fmt: skip
"""Category name → id: COCO's where COCO has the class, above 100 where it has not."""


def semantic_id(name: str) -> int:
    """Position of a class in `SEMANTIC`."""
    return SEMANTIC.index(name)
