from .limits import Limits as Limits
from .starting import app as app
from .starting import serve as serve
