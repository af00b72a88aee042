from .app import application as application
from .board import Board as Board
from .board import open_board as open_board
from .grader_settings import Secrets as Secrets
from .server import Address as Address
from .server import serve as serve
