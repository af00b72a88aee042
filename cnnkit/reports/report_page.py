"""The page of a report: one HTML file that holds its pictures and needs nothing else."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from string import Template

import pandas as pd

GENERATOR = "cnnkit report"
"""The mark by which a later report knows a report."""

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="cnnkit report">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { --ink: #1f2933; --muted: #616e7c; --line: #e4e7eb; --blue: #0072b2; --orange: #d55e00; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff;
  font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif; }
main { max-width: 980px; margin: 0 auto; padding: 56px 32px 40px; }
h1, h2 { font-family: Charter, "Bitstream Charter", "Iowan Old Style", Georgia, "DejaVu Serif", serif;
  line-height: 1.2; font-weight: 600; }
h1 { font-size: 40px; margin: 0 0 16px; overflow-wrap: anywhere; }
h2 { font-size: 25px; margin: 60px 0 6px; padding-top: 18px; border-top: 1px solid var(--line); }
p { margin: 0 0 12px; max-width: 44em; overflow-wrap: anywhere; }
.lead { font-size: 19px; }
.note { color: var(--muted); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 20px; margin: 36px 0 8px; }
.tile { border-top: 4px solid var(--line); padding-top: 12px; }
.tile.first { border-color: var(--blue); }
.tile b { display: block; font-size: 35px; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em; }
.tile.first b { color: var(--blue); }
.tile span { color: var(--muted); font-size: 15px; line-height: 1.35; display: block; margin-top: 4px; }
figure { margin: 22px 0 0; }
figure img { display: block; max-width: 100%; height: auto; }
.scroll { overflow-x: auto; margin: 18px 0 0; }
table { border-collapse: collapse; font-size: 14.5px; line-height: 1.35; font-variant-numeric: tabular-nums; }
th { color: var(--muted); font-weight: 500; text-align: left; vertical-align: bottom; }
th, td { padding: 7px 16px 7px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
td.wrap { white-space: normal; min-width: 12em; }
th.number, td.number { text-align: right; }
tbody tr:last-child td { border-bottom: 1px solid var(--muted); }
thead th { border-bottom: 1px solid var(--muted); }
footer { margin-top: 64px; padding-top: 16px; border-top: 1px solid var(--line); color: var(--muted);
  font-size: 14px; overflow-wrap: anywhere; }
footer p { max-width: none; margin: 0 0 4px; }
@media print { main { padding: 0; max-width: none; } section, figure, table { break-inside: avoid; } }
</style>
</head>
<body>
<main>
$content
</main>
</body>
</html>
""")


def page(title: str, parts: Sequence[str]) -> str:
    """A whole HTML document. `title` is text, `parts` are HTML."""
    return PAGE.substitute(title=html.escape(title), content="\n".join(parts))


def header(title: str, sentences: Sequence[str]) -> str:
    """The title and sentences about the training."""
    return f'<header>\n<h1>{html.escape(title)}</h1>\n<p class="lead">{html.escape(" ".join(sentences))}</p>\n</header>'


def tiles(numbers: Sequence[tuple[str, str]]) -> str:
    """Large numbers side by side, each with its meaning; the first stands out."""
    cells = [
        f'<div class="tile{"" if index else " first"}"><b>{html.escape(number)}</b>'
        f"<span>{html.escape(label)}</span></div>"
        for index, (number, label) in enumerate(numbers)
    ]
    return '<div class="tiles">\n' + "\n".join(cells) + "\n</div>"


def section(heading: str, note: str, *parts: str) -> str:
    """A heading, a line on what to see, and HTML."""
    body = "\n".join(parts)
    return f'<section>\n<h2>{html.escape(heading)}</h2>\n<p class="note">{html.escape(note)}</p>\n{body}\n</section>'


def picture(png: bytes, description: str, *, width: int) -> str:
    """A PNG inside the page, shown at most `width` pixels wide; the description is read out to who cannot see it."""
    data = base64.b64encode(png).decode("ascii")
    alt = html.escape(description, quote=True)
    return f'<figure><img width="{width}" alt="{alt}" src="data:image/png;base64,{data}"></figure>'


def table(frame: pd.DataFrame) -> str:
    """A table without its index: numbers to the right, text to the left, every string escaped."""
    numeric = [pd.api.types.is_numeric_dtype(frame[name]) for name in frame]
    head = "".join(
        f"<th{_class(number)}>{html.escape(str(name))}</th>" for name, number in zip(frame, numeric, strict=True)
    )
    rows = [
        "<tr>"
        + "".join(
            f"<td{_class(number, text)}>{html.escape(text)}</td>"
            for text, number in zip(map(_text, row), numeric, strict=True)
        )
        + "</tr>"
        for row in frame.itertuples(index=False)
    ]
    return (
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(rows)
        + "\n</tbody>\n</table></div>"
    )


def footer(lines: Sequence[str]) -> str:
    """Small print."""
    return "<footer>\n" + "\n".join(f"<p>{html.escape(line)}</p>" for line in lines) + "\n</footer>"


def _class(number: bool, text: str = "") -> str:
    return ' class="number"' if number else ' class="wrap"' if len(text) > 40 else ""


def _text(value: object) -> str:
    """A cell: whole numbers with separators, others to four digits, no value as a dash."""
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return "–"
    if isinstance(value, bool | str):
        return str(value)
    number = pd.to_numeric(pd.Series([value]), errors="coerce").iloc[0]
    if pd.isna(number):
        return str(value)
    if float(number).is_integer() and abs(number) < 1e15:
        return f"{int(number):,}"
    return f"{float(number):.4g}"
