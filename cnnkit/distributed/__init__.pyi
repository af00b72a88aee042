from .cluster import Cluster as Cluster
from .cluster import cluster as cluster
