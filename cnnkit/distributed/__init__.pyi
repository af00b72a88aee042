from .cluster import Cluster as Cluster
from .cluster import Tasks as Tasks
from .cluster import cluster as cluster
