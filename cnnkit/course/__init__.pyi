from . import grading as grading
from . import submissions as submissions
from .hand_in import write_submission as write_submission
