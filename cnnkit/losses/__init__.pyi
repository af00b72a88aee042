from .class_balance import class_balanced_weights as class_balanced_weights
from .focal import binary_focal as binary_focal
from .focal import categorical_focal as categorical_focal
