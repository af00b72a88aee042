"""A run as a notebook shows it: its curves as a drawing in SVG, its epochs as a table."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

BLUE, ORANGE, INK, MUTED = "#0072B2", "#D55E00", "#1F2933", "#616E7C"
BANDS = ("#F1F4F7", "#E3E9EF")
WIDTH, HEIGHT, LEFT, TOP = 420, 170, 46, 22
"""Pixels of the drawing area of one panel and of the margins around it."""
NOT_DRAWN = ("phase", "epoch", "rate", "seconds", "images_per_second", "l2")
HIDDEN = "images_per_second"


def run_html(title: str, history: pd.DataFrame) -> str:
    """A title, one panel of curves for each metric, and one row for each epoch; every text is escaped."""
    names = [str(name) for name in history if name not in NOT_DRAWN and not str(name).startswith("val_")]
    names = sorted(names, key="loss".__eq__)  # the metric first, as in ck.visualize.curves
    panels = "".join(_panel(history, name) for name in names[:3] if len(history))
    table = history.drop(columns=HIDDEN, errors="ignore").to_html(
        index=False, border=0, escape=True, float_format="{:.4g}".format, na_rep="–"
    )
    legend = (
        f'<span style="color:{BLUE}">●&nbsp;training</span>&ensp;<span style="color:{ORANGE}">●&nbsp;validation</span>'
    )
    return f"<p>{escape(title)}</p><div>{panels}</div><p>{legend}</p>{table}"


def _panel(history: pd.DataFrame, name: str) -> str:
    """Training and validation values of one metric over the epochs."""
    lines = [(column, colour) for column, colour in ((name, BLUE), (f"val_{name}", ORANGE)) if column in history]
    values = history[[column for column, _ in lines]].to_numpy(float)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    x = LEFT + WIDTH * (np.arange(len(history)) + 0.5) / len(history)
    drawn = "".join(
        _line(x, TOP + HEIGHT * (high - history[column].to_numpy(float)) / (high - low), colour)
        for column, colour in lines
    )
    whole_width, whole_height = LEFT + WIDTH + 12, TOP + HEIGHT + 12
    ends = _text(LEFT - 6, TOP + 4, f"{high:.3g}", "end") + _text(LEFT - 6, TOP + HEIGHT, f"{low:.3g}", "end")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole_width}" height="{whole_height}" role="img" '
        f'aria-label="{escape(name, quote=True)} over the epochs" style="max-width:100%">'
        f"{_bands(history)}{_text(LEFT, 12, name, 'start', bold=True)}{ends}{drawn}</svg>"
    )


def _line(x: NDArray[np.float64], y: NDArray[np.float64], colour: str) -> str:
    """A line through the finite points, with a dot on each."""
    points = [(across, down) for across, down in zip(x, y, strict=True) if np.isfinite(down)]
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
    dots = "".join(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{colour}"/>' for across, down in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def _bands(history: pd.DataFrame) -> str:
    """A shade behind each phase, with its name."""
    phases = history["phase"].astype(str).to_numpy()
    begins = np.flatnonzero(np.r_[True, phases[1:] != phases[:-1]])
    drawn = []
    for number, (begin, end) in enumerate(zip(begins, [*begins[1:], len(phases)], strict=True)):
        left, right = (LEFT + WIDTH * place / len(phases) for place in (begin, end))
        fill = BANDS[number % 2]
        drawn.append(f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{HEIGHT}" fill="{fill}"/>')
        shown = phases[begin] if len(phases[begin]) * 7 < right - left else ""
        drawn.append(_text((left + right) / 2, TOP + HEIGHT - 6, shown, "middle"))
    return "".join(drawn)


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight, colour = ("bold", INK) if bold else ("normal", MUTED)
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-family="sans-serif" font-size="12" '
        f'font-weight="{weight}" fill="{colour}">{escape(text)}</text>'
    )
