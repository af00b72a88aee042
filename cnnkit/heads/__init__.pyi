from .classification import Classifier as Classifier
from .classification import classifier as classifier
from .head import Head as Head
from .head import ScoringHead as ScoringHead
from .table import from_settings as from_settings
