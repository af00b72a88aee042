from .forward import Forward as Forward
from .runtimes import EngineName as EngineName
from .runtimes import Precision as Precision
