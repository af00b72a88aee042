from .fast_rcnn import fast_rcnn as fast_rcnn
from .faster_rcnn import faster_rcnn as faster_rcnn
from .given_proposals import detect as detect
from .given_proposals import selective_search as selective_search
from .mask_rcnn import mask_rcnn as mask_rcnn
from .spp_net import spp_net as spp_net
