"""A submission: the folder that an assignment asks for, from a trained network."""

from __future__ import annotations

import shutil
from pathlib import Path

from cnnkit.course.submissions.assignment import Assignment
from cnnkit.data.any_pictures import Pictures
from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.export.atomic_folder import replace_folder
from cnnkit.export.bundle import FILES, write_bundle
from cnnkit.export.manifest import MANIFEST_FILE
from cnnkit.export.prediction_table import write_column
from cnnkit.export.tensors import model_hash, tensor_records
from cnnkit.transfer.inference import predict
from cnnkit.transfer.network import Network
from cnnkit.transfer.run import Run

PREDICTIONS = "predictions.parquet"


def write_submission(
    folder: str | Path,
    network: Network,
    pictures: Pictures,
    *,
    assignment: Assignment | str | Path,
    code: str | Path,
    run: Run | None = None,
    progress: bool = False,
) -> Path:
    """Writes what is handed in: the model, its weights, the predictions and the code that made them.

    It is no more than::

        ck.save(network, folder, run=run)
        table = ck.predict(network, pictures)
        ck.export.write_column(folder / "predictions.parquet", [table[assignment.column]], column=assignment.column)
        shutil.copy(code, folder)

    `cnnkit check` then says whether it will be accepted.

    Args:
        folder: Where to; made with its parents. An earlier submission there is replaced, at once or not at all;
            another folder's files are never overwritten.
        network: Trained; one of its classes is the assignment's column.
        pictures: The score segment, in its order: a folder, a source or an array, as for `ck.predict`.
        assignment: What is asked for: the assignment or its folder.
        code: The notebook or script.
        run: From `fit`, for the manifest.
        progress: Whether to show a live line.

    Returns:
        The folder.

    Raises:
        UnknownNameError: The network has no class of the column's name.
        InputError: No such code file, or one of another kind; no such assignment.
        DataError: The pictures are not as many as the assignment has rows.
        BundleError: The disk is full, or the folder holds something else.
    """
    folder, code, spec = Path(folder), Path(code), Assignment.of(assignment)
    if spec.column not in network.classes:
        raise unknown_name("a class of the network for the assignment's column", spec.column, network.classes)
    if not code.is_file() or spec.files.role(code.name) not in ("notebook", "script"):
        raise InputError("a notebook (.ipynb) or a script (.py)", str(code), "Save it and give its path.")
    table = predict(network, pictures, progress=progress)
    if len(table) != spec.rows:
        raise DataError(
            f"{spec.rows:,} pictures: those of the score segment of {spec.name!r}",
            f"{len(table):,}",
            "Predict the whole score segment and nothing else.",
        )

    def fill(partial: Path) -> None:
        write_bundle(network, partial, run=run)
        write_column(
            partial / PREDICTIONS,
            [table[spec.column]],
            column=spec.column,
            classes=network.classes,
            model_hash=model_hash(tensor_records(network.model)),
        )
        shutil.copy(code, partial / code.name)

    replace_folder(folder, fill, known=(*FILES, PREDICTIONS, code.name), mark=MANIFEST_FILE)
    return folder
