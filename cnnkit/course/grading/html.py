"""Parts of grading's pages: tables and a histogram, every word of a student's escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence

BLUE, GREY = "#0072b2", "#9aa5b1"


def table(heading: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A table of text.

    Args:
        heading: Of the columns.
        rows: Cells as they shall be read; they are escaped here.
        numbers: Which columns go to the right.
    """

    def line(cells: Sequence[str], tag: str) -> str:
        parts = []
        for place, cell in enumerate(cells):
            kind = ' class="number"' if place in numbers else ' class="wrap"' if len(cell) > 40 else ""
            parts.append(f"<{tag}{kind}>{html.escape(cell)}</{tag}>")
        return f"<tr>{''.join(parts)}</tr>"

    body = "\n".join(line(row, "td") for row in rows)
    return (
        f'<div class="scroll"><table>\n<thead>{line(heading, "th")}</thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'
    )


def paragraphs(sentences: Sequence[str]) -> str:
    """Text, a paragraph each."""
    return "\n".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences)


def histogram(values: Sequence[float], *, mark: float, label: str, bins: int = 40) -> str:
    """How many values are where between the lowest and the highest, as SVG; those up to the mark are grey.

    Args:
        values: Numbers 0…1.
        mark: Where a line is drawn.
        label: What is shown, for those who have it read out to them.
        bins: How many bars.
    """
    low = min([*values, mark - 0.02])
    high = max([*values, mark + 0.02])
    width = (high - low) / bins
    counts = [0] * bins
    for value in values:
        counts[min(bins - 1, int((value - low) / width))] += 1
    tallest = max(counts)
    bars = [
        f'<rect x="{20 + place * 22}" y="{170 - 150 * count / tallest:.1f}" width="20" '
        f'height="{150 * count / tallest:.1f}" fill="{BLUE if low + (place + 0.5) * width > mark else GREY}">'
        f"<title>{count} from {low + place * width:.1%} to {low + (place + 1) * width:.1%}</title></rect>"
        for place, count in enumerate(counts)
        if count
    ]
    line = 20 + (mark - low) / (high - low) * bins * 22
    right = 20 + bins * 22
    return (
        f'<figure><svg viewBox="0 0 {right + 20} 205" role="img" aria-label="{html.escape(label, quote=True)}" '
        f'style="max-width:100%" font-size="15" fill="currentColor">{"".join(bars)}'
        f'<line x1="20" x2="{right}" y1="170" y2="170" stroke="currentColor"/>'
        f'<line x1="{line:.1f}" x2="{line:.1f}" y1="6" y2="170" stroke="#d55e00" stroke-dasharray="4 3"/>'
        f'<text x="{line + 6:.1f}" y="16">pass mark {mark:.1%}</text>'
        f'<text x="20" y="190">{low:.1%}</text><text x="{right}" y="190" text-anchor="end">{high:.1%}</text>'
        "</svg></figure>"
    )
