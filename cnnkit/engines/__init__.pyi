from .forward import Forward as Forward
from .runtimes import EngineName as EngineName
from .runtimes import Precision as Precision
from .runtimes import Runtime as Runtime
from .runtimes import has_bfloat16 as has_bfloat16
