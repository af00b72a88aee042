"""From features to where boxes are: each function gives (n, boxes, 4) corners as shares of the picture, 0…1.

All of it is stock Keras layers and operations, which JSON holds: what is constant, the places of the cells, is the
scale of a `Rescaling`.
"""

from __future__ import annotations

import keras
import numpy as np

# Where a sigmoid begins: .2 of a picture's side from the middle of a box to its borders.
BEGINNING = float(np.log(0.2 / 0.8))
# Of the weights that say numbers of boxes, as in RetinaNet (Lin et al. 2017, section 4.1): large features do not
# saturate the sigmoids from the start.
SPREAD = 0.01


def corners_of(position: keras.KerasTensor, distances: keras.KerasTensor) -> keras.KerasTensor:
    """A place (n, boxes, 2) and the distances to the left, top, right and bottom of it, (n, boxes, 4)."""
    signed = keras.layers.Rescaling([-1.0, -1.0, 1.0, 1.0], name="box_directions", dtype="float32")(distances)
    twice = keras.layers.Concatenate(name="box_places", dtype="float32")([position, position])
    return keras.layers.Add(name="box_corners", dtype="float32")([twice, signed])


def from_vector(vector: keras.KerasTensor, boxes: int, *, seed: int) -> keras.KerasTensor:
    """Of features without a place, (n, c): four numbers per box, its middle and half of its width and height."""
    middle, half = (
        keras.layers.Reshape((boxes, 2), name=f"{name}_per_box")(
            keras.layers.Dense(
                2 * boxes,
                activation="sigmoid",
                kernel_initializer=keras.initializers.RandomNormal(stddev=SPREAD, seed=seed + number),
                bias_initializer=keras.initializers.Constant(bias),
                name=name,
                dtype="float32",
            )(vector)
        )
        for number, (name, bias) in enumerate((("box_middle", 0.0), ("box_half", BEGINNING)))
    )
    return corners_of(middle, keras.layers.Concatenate(name="box_halves", dtype="float32")([half, half]))


def from_map(features: keras.KerasTensor, boxes: int, *, seed: int) -> keras.KerasTensor:
    """Of a feature map (n, h, w, c): each cell says how far the borders of the box are, and how much it is believed.

    The belief is a softmax over the cells, one map per box. The place of a box is the mean place of the cells (the
    soft-argmax of Sun et al., "Integral Human Pose Regression", ECCV 2018, arXiv:1711.08229, equation 2), its distances
    left, top, right and bottom are the mean of what the cells say (those of Tian et al., "FCOS", ICCV 2019,
    arXiv:1904.01355, equation 1).
    """
    belief = attention(features, boxes, name="box_belief", seed=seed)  # (n, h·w, boxes)
    height, width = features.shape[1:3]
    distances = keras.layers.Conv2D(
        4 * boxes,
        1,
        activation="sigmoid",
        kernel_initializer=keras.initializers.RandomNormal(stddev=SPREAD, seed=seed + 1),
        bias_initializer=keras.initializers.Constant(BEGINNING),
        name="box_distances",
        dtype="float32",
    )(features)
    of_cells = keras.layers.Reshape((height * width, boxes, 4), name="box_distances_per_cell")(distances)
    weight = keras.layers.Reshape((height * width, boxes, 1), name="box_belief_per_cell")(belief)
    weighed = keras.layers.Multiply(name="box_distances_weighed", dtype="float32")([of_cells, weight])
    place = mean_place(keras.layers.Reshape((height, width, boxes), name="box_belief_map")(belief))
    return corners_of(place, keras.ops.sum(weighed, axis=1))


def attention(features: keras.KerasTensor, maps: int, *, name: str, seed: int) -> keras.KerasTensor:
    """(n, h, w, c) → (n, h·w, maps): of each map a softmax over the cells."""
    height, width = features.shape[1:3]
    initializer = keras.initializers.RandomNormal(stddev=SPREAD, seed=seed)
    logits = keras.layers.Conv2D(maps, 1, kernel_initializer=initializer, name=f"{name}_logits", dtype="float32")
    cells = keras.layers.Reshape((height * width, maps), name=f"{name}_cells")(logits(features))
    return keras.layers.Softmax(axis=1, name=name, dtype="float32")(cells)


def mean_place(belief: keras.KerasTensor) -> keras.KerasTensor:
    """(n, h, w, maps) of which each sums to 1 → (n, maps, 2): the mean x and y of the cells' middles, 0…1."""
    places = []
    for name, other in (("x", 1), ("y", 2)):
        along = keras.layers.Permute((2, 1), name=f"box_{name}_last")(keras.ops.sum(belief, axis=other))
        cells = along.shape[-1]
        middles = [(cell + 0.5) / cells for cell in range(cells)]
        placed = keras.layers.Rescaling(middles, name=f"box_{name}", dtype="float32")(along)
        places.append(keras.ops.sum(placed, axis=-1))
    return keras.ops.stack(places, axis=-1)
