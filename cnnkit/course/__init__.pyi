from . import grading as grading
from . import hand_in_server as hand_in_server
from . import submissions as submissions
from .hand_in import write_submission as write_submission
