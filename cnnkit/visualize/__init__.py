"""Visualize: what a network learned, where it looks, how the training went, what it gets wrong.

    ck.visualize.pictures(photos.train)             # twelve, as many of each class as of the others
    ck.visualize.filters(net)                       # of the first layer; `activations` for a picture
    ck.visualize.dreams(net, "block5_conv2")        # what channels look for; `dream` for one, or from a photograph
    ck.visualize.receptive_field(net, "block5_conv2", image)
    ck.visualize.augmentations(photos.train, ck.data.Augmentation.gentle())      # a picture and its views
    ck.visualize.rates(ck.find_rate(net, photos))   # loss over rate, and the rate to try
    ck.visualize.curves(run)                        # loss and accuracy, phase by phase
    ck.visualize.confusion(labels, predicted, classes)
    ck.visualize.worst(photos.test, table)          # the mistakes it was surest of
    ck.visualize.calibration(photos.test, table)    # whether 80 % sure is right in 80 %
    ck.visualize.gradcam_figure(net, images)        # where it looked

Each returns a Matplotlib figure (or an array) that a notebook shows by itself; `save` writes one to a file. Colours,
fonts and sizes are in `style`, one place for all. Works on cnnkit networks and on any functional Keras model.
"""

from __future__ import annotations

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
