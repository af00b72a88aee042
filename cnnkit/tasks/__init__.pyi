from .faster_rcnn import faster_rcnn as faster_rcnn
from .mask_rcnn import mask_rcnn as mask_rcnn
