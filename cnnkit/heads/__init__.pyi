from .classification import Classifier as Classifier
from .classification import classifier as classifier
from .head import ConvexHead as ConvexHead
from .head import CrossEntropy as CrossEntropy
from .head import Head as Head
from .head import MeasuredHead as MeasuredHead
from .head import Score as Score
from .table import from_settings as from_settings
