from .labels import Labels as Labels
from .tags import Tags as Tags
from .tags import labels_or_tags as labels_or_tags
from .targets import Targets as Targets
