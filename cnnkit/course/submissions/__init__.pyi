from .architecture import Architecture as Architecture
from .architecture import read_architecture as read_architecture
from .assignment import Assignment as Assignment
from .findings import Finding as Finding
from .gate import GateReport as GateReport
from .gate import check as check
from .sandbox import Sandbox as Sandbox
