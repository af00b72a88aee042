"""Visualize: how a network is built, what it learned, where it looks, how the training went, what it gets wrong.

    ck.visualize.pictures(photos.train)             # twelve, as many of each class as of the others
    ck.visualize.architecture(net)                  # its stages as boxes; `block` draws one part layer by layer
    ck.visualize.convolution(image, kernel)         # the sliding window, the sums written out
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

from cnnkit._lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    modules={"style": "cnnkit.visualize.style"},
    names={
        "accuracy_against_time": "cnnkit.visualize.cost_scatter",
        "activation_maps": "cnnkit.visualize.layer_activations",
        "activations": "cnnkit.visualize.layer_activations",
        "animation": "cnnkit.visualize.film",
        "augmentations": "cnnkit.visualize.augmented_views",
        "architecture": "cnnkit.visualize.architecture_diagram",
        "block": "cnnkit.visualize.block_diagram",
        "calibration": "cnnkit.visualize.calibration_curve",
        "comparison": "cnnkit.visualize.comparison_bars",
        "confusion": "cnnkit.visualize.confusion_matrix",
        "convolution": "cnnkit.visualize.sliding_picture",
        "convolution_animation": "cnnkit.visualize.sliding_picture",
        "costs": "cnnkit.visualize.architecture_costs",
        "curves": "cnnkit.visualize.training_curves",
        "dream": "cnnkit.visualize.dreaming",
        "dreams": "cnnkit.visualize.dreaming",
        "filters": "cnnkit.visualize.layer_filters",
        "gradcam": "cnnkit.visualize.class_activation",
        "gradcam_figure": "cnnkit.visualize.class_activation",
        "pictures": "cnnkit.visualize.contact_sheet",
        "pooling": "cnnkit.visualize.sliding_picture",
        "pooling_animation": "cnnkit.visualize.sliding_picture",
        "rates": "cnnkit.visualize.rate_curve",
        "receptive_field": "cnnkit.visualize.receptive_fields",
        "save": "cnnkit.visualize.style",
        "save_animation": "cnnkit.visualize.film",
        "speeds": "cnnkit.visualize.speed_bars",
        "transposed_convolution": "cnnkit.visualize.sliding_picture",
        "transposed_convolution_animation": "cnnkit.visualize.sliding_picture",
        "worst": "cnnkit.visualize.contact_sheet",
    },
)
