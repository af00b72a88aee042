from .feature_pyramid import fpn as fpn
from .table import NECKS as NECKS
from .u_shape import unet as unet
