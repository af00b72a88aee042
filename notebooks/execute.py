"""Runs notebooks and stores their outputs, small enough for a repository: python notebooks/execute.py [NAME …].

A code host shows what is stored. `tests/notebooks` runs them in the same way and compares.
"""

from __future__ import annotations

import base64
import io
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

HERE = Path(__file__).parent
WIDEST = 1100
"""Pixels of a stored picture."""
COLOURS = 255
"""Of a stored PNG file; a picture that is larger that way is stored as JPEG."""
DRAWN = 16_000
"""Colours of a drawing, at most: a picture of more is stored as JPEG at once. To choose 255 of a photograph's colours
takes seconds: 22 for those of EdgeDetection, all of which are smaller as JPEG."""
QUALITY = 78
LOG = re.compile(r"(WARNING: All log|WARNING:tensorflow|[IWE]\d{4} |To enable the following|.*oneDNN)")
"""How TensorFlow's log of a machine begins."""


def executed(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """The notebook with its outputs, run from top to bottom in a fresh kernel.

    Args:
        notebook: Left as it is.
        folder: Where it runs.
    """
    ran = nbformat.from_dict(notebook)
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(ran, timeout=400, kernel_name="python3", resources=resources).execute()
    for cell in ran.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)  # clock times
            outputs = [output for output in _joined(cell.outputs) if not _is_log(output)]  # a line may come in two
            cell.outputs = [_small(output) for output in _joined(outputs)]
    ran.metadata = notebook.metadata
    return ran


def _is_log(output: NotebookNode) -> bool:
    """Whether an output is TensorFlow's log alone, which is cleared of its lines."""
    if output.output_type != "stream":
        return False
    output.text = "".join(line for line in output.text.splitlines(keepends=True) if not LOG.match(line))
    return not output.text.strip()


def _small(output: NotebookNode) -> NotebookNode:
    """An output whose pictures are compressed, and which a code host can show."""
    if output.output_type == "stream":
        output.text = re.sub(r"[^\n]*\r(?=[^\n])", "", output.text)  # of a line that was drawn over, the last state
    data = output.get("data", {})
    if "image/png" in data:
        kind, stored = _picture(base64.b64decode(data.pop("image/png")))
        data[kind] = base64.b64encode(stored).decode()
        if "<script" in "".join(data.get("text/html", "")):  # a film: a code host shows one picture of it
            del data["text/html"]
    output.get("metadata", {}).clear()
    return output


def _picture(png: bytes) -> tuple[str, bytes]:
    """The kind and the bytes of the smaller of two files."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    image.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    lossy = io.BytesIO()
    image.save(lossy, "JPEG", quality=QUALITY, optimize=True)
    if image.getcolors(DRAWN) is None:
        return "image/jpeg", lossy.getvalue()
    few = io.BytesIO()
    image.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE).save(
        few, "PNG", optimize=True
    )
    return min(("image/png", few.getvalue()), ("image/jpeg", lossy.getvalue()), key=lambda file: len(file[1]))


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Texts that follow each other on one stream as one, and lines of progress: how they were cut depends on time."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last is not None and last.output_type == output.output_type == "stream" and last.name == output.name:
            last.text += output.text
        elif last is not None and _is_progress(last) and _is_progress(output):
            last.data["text/html"] += output.data["text/html"]
        else:
            joined.append(output)
    return joined


def _is_progress(output: NotebookNode) -> bool:
    """Whether an output is a line of HTML that is shown while something runs."""
    data = output.get("data", {})
    return output.output_type == "display_data" and "HTML object" in data.get("text/plain", "") and "text/html" in data


def main(names: list[str]) -> None:
    """Runs the notebooks of these names, or all, on what ships with cnnkit."""
    for name in ("CNNKIT_WEIGHTS", "CNNKIT_PHOTOS"):
        os.environ.pop(name, None)
    for path in sorted(HERE.glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            os.environ["KERAS_HOME"] = folder
            ran = executed(nbformat.read(path, as_version=4), Path(folder))
        nbformat.write(ran, path)
        print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
