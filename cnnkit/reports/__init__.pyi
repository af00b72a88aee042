from .compare import compare as compare
from .report import report as report
