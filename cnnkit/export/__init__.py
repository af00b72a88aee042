"""Files that anyone can load: bundles (JSON + H5 + manifest), prediction tables, and the import of Keras 2 files."""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    names={
        "import_keras2": "cnnkit.export.keras2_import",
        "load": "cnnkit.export.bundle",
        "predict_to_csv": "cnnkit.export.prediction_parts",
        "predict_to_parquet": "cnnkit.export.prediction_parts",
        "read_predictions": "cnnkit.export.prediction_table",
        "save": "cnnkit.export.bundle",
        "write_column": "cnnkit.export.prediction_table",
        "write_predictions": "cnnkit.export.prediction_table",
        "write_submission": "cnnkit.export.submission",
    },
)
