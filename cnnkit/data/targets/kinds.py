"""All kinds of truth by name."""

from __future__ import annotations

from cnnkit.data.targets.boxes import Boxes
from cnnkit.data.targets.labels import Labels
from cnnkit.data.targets.masks import Masks
from cnnkit.data.targets.pictures import Pictures
from cnnkit.data.targets.points import Points
from cnnkit.data.targets.tags import Tags
from cnnkit.data.targets.targets import Targets
from cnnkit.data.targets.vectors import Vectors

KINDS: dict[str, type[Targets]] = {kind.kind: kind for kind in (Labels, Tags, Masks, Boxes, Points, Pictures, Vectors)}
