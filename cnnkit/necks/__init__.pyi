from .atrous_pyramid import aspp as aspp
from .feature_pyramid import fpn as fpn
from .pyramid_pooling import psp as psp
from .table import NECKS as NECKS
from .u_shape import unet as unet
from .unpooling import unpooling as unpooling
