from .bundle import load as load
from .bundle import save as save
from .keras2_import import import_keras2 as import_keras2
from .prediction_parts import predict_to_csv as predict_to_csv
from .prediction_parts import predict_to_parquet as predict_to_parquet
from .prediction_table import read_predictions as read_predictions
from .prediction_table import write_column as write_column
from .prediction_table import write_predictions as write_predictions
