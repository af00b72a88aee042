"""Scenes as class folders: `train/person`, `train/no_person`, `validation/person` and so on."""

from __future__ import annotations

from pathlib import Path

from cnnkit.scenes.parts import check_count, part_of
from cnnkit.scenes.picture_files import check_suffix, write_picture
from cnnkit.scenes.scene_drawing import render_scenes


def write_folders(folder: str | Path, n: int, seed: int = 0, *, size: int = 160, suffix: str = "jpg") -> Path:
    """Writes the first n scenes of a series, one folder a class in one folder a part.

    Args:
        folder: Gets `<part>/<class>/scene-<seed>-<index>.<suffix>`; it is made if it is missing.
        n: How many scenes; the parts are those of `cnnkit.data.scenes`.
        seed: Which series.
        size: Side in pixels.
        suffix: "jpg" or "png".

    Returns:
        The folder.

    Raises:
        InputError: n below 1, or what `render_scene` refuses.
        UnknownNameError: Another suffix.
    """
    check_count(n)
    check_suffix(suffix)
    root = Path(folder)
    for index, scene in enumerate(render_scenes(n, seed, size=size)):
        place = root / part_of(index, n) / ("person" if scene.person else "no_person")
        place.mkdir(parents=True, exist_ok=True)
        write_picture(place / f"scene-{seed}-{index:06d}.{suffix}", scene.image)
    return root
