from .carriers import CARRIERS as CARRIERS
from .carriers import Carrier as Carrier
from .cost import Cost as Cost
from .cost import Weight as Weight
from .row import Row as Row
from .table import LAYERS as LAYERS
from .table import OPERATIONS as OPERATIONS
