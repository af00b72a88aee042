from . import canvas as canvas
from . import codabench as codabench
from . import gradescope as gradescope
from . import moodle as moodle
from . import nbgrader as nbgrader
