"""Films: a sequence of pictures, for a notebook or a GIF."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import FFMpegWriter, FuncAnimation, HTMLWriter, PillowWriter
from matplotlib.figure import Figure

from cnnkit.errors import InputError, MissingExtraError, unknown_name
from cnnkit.visualize import style
from cnnkit.visualize.figure_arguments import check_figure
from cnnkit.visualize.given_pictures import Image, levels, refuse_scaled, several_pictures

BUTTONS = {
    "minus": "−",
    "fast-backward": "|◀",
    "step-backward": "◁",
    "play fa-flip-horizontal": "◀",
    "pause": "||",
    "play": "▶",
    "step-forward": "▷",
    "fast-forward": "▶|",
    "plus": "+",
}
"""Matplotlib's icon, which it loads from the network → the text that is shown in its place."""


def offline(page: str) -> str:
    """Matplotlib's page of a film with texts on its buttons, so that nothing is loaded from the network.

    >>> offline('<link rel="stylesheet" href="https://far.away"><i class="fa fa-play"></i>')
    '▶'
    """
    page = re.sub(r"<link[^>]*>\s*", "", page)
    return re.sub(r'<i class="fa fa-([^"]*)"></i>', lambda icon: BUTTONS[icon[1]], page)


class OfflineWriter(HTMLWriter):
    """Writes a film as a page that loads nothing from the network."""

    def finish(self) -> None:
        """Completes the file."""
        super().finish()
        page = Path(self.outfile)
        page.write_text(offline(page.read_text(encoding="utf-8")), encoding="utf-8")


class Film(FuncAnimation):
    """An animation that a notebook shows by itself, with buttons.

    Args:
        figure: The figure of all frames.
        draw: Draws a frame, counted from 0.
        frames: How many.
        seconds: From frame to frame.
    """

    def __init__(self, figure: Figure, draw: Callable[[int], Sequence[Any]], frames: int, seconds: float) -> None:
        self.figure = figure
        self.seconds = seconds
        self._draw, self._frames = draw, frames
        super().__init__(figure, draw, frames=frames, interval=round(1000 * seconds))

    def _repr_html_(self) -> str:
        return offline(str(self.to_jshtml()))

    def _repr_png_(self) -> bytes:
        """Its last frame, for a page that runs no scripts, such as that of a code host."""
        self._draw(self._frames - 1)
        return style.png(self.figure, dpi=100)


def animation(images: Sequence[Image], *, title: str = "", seconds: float = 0.1, most: int = 60) -> Film:
    """Pictures of one size as a film.

    The steps of a dream, say::

        frames = []
        ck.visualize.dream(net, "block5_conv2", photo, channel=42, watch=frames.append)
        ck.visualize.animation(frames)
        ck.visualize.save_animation(ck.visualize.animation(frames), "dream.gif")

    Args:
        images: RGB 0…255, (h, w, 3) each; or grey, (h, w).
        title: Above them.
        seconds: From frame to frame.
        most: The most frames, evenly spaced, the first and the last among them: a notebook holds each.

    Returns:
        A film, which a notebook shows with buttons; the picture's pixels wide, at least 400.

    Raises:
        InputError: No pictures, or pictures of several sizes.
        DataError: Pictures that were divided by 255.
    """
    check_figure({"title": title, "seconds": seconds, "most": most})
    frames = several_pictures(images)
    refuse_scaled(frames)
    sizes = {image.shape for image in frames}
    if len(sizes) != 1:
        raise InputError("pictures of one size", f"{len(frames)} of sizes {sorted(sizes)}", "Resize them before.")
    (height, width, *_), *_ = sizes
    indices = np.unique(np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int))
    inches = max(4.0, width / 100)
    figure = style.figure(inches, inches * height / width + (0.4 if title else 0))
    with style.styled():
        axes = figure.subplots()
        style.bare(axes)
        if title:
            axes.set_title(style.plain(title), fontsize=min(12, 72 * inches / len(title) / 0.68))

    def draw(frame: int) -> list[Any]:
        for artist in axes.images:
            artist.remove()
        axes.imshow(levels(frames[indices[frame]]), cmap="gray", vmin=0, vmax=255)
        return []

    return Film(figure, draw, len(indices), seconds)


WRITERS: dict[str, Any] = {".gif": PillowWriter, ".html": OfflineWriter, ".mp4": FFMpegWriter}


def save_animation(film: Film, path: str | Path, *, dpi: float = 100) -> Path:
    """Writes an animation in the format of the file's ending: .gif, .html (with buttons), .mp4 (needs ffmpeg).

    Args:
        film: From `convolution_animation`, `animation` and the like.
        path: The file; missing folders are created.
        dpi: Pixels per inch.

    Returns:
        The path.

    Raises:
        UnknownNameError: Another ending.
        InputError: No animation.
        MissingExtraError: .mp4 where there is no ffmpeg.
    """
    check_figure({"path": path})
    path = Path(path)
    if not isinstance(film, Film):
        raise InputError("an animation", type(film).__name__, "ck.visualize.save writes a figure.")
    if path.suffix not in WRITERS:
        raise unknown_name("an animation's format", path.suffix, WRITERS)
    writer = WRITERS[path.suffix]
    if not writer.isAvailable():
        raise MissingExtraError(
            f"ffmpeg, which writes {path.suffix}",
            "no program of that name",
            f"Install ffmpeg, or write {path.with_suffix('.gif').name}.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    film.save(str(path), writer=writer(fps=1 / film.seconds), dpi=dpi)
    return path
