"""How a convolutional network works, by hand: plain Python and NumPy, no framework.

    ck.primitives.conv2d(image, kernel, stride=2)                      # forward
    ck.primitives.conv2d_backward(upstream, image, kernel, stride=2)   # gradients: .x .kernel .bias
    ck.primitives.conv2d_loops(image, kernel)                          # the definition, loop by loop
    ck.primitives.count([...])                                         # what each layer of a network costs

Pictures are (..., height, width, channels): one, or a batch, or a batch of batches. Kernels are shaped as in Keras,
(f, f, channels / groups, filters). Every `f` has an `f_backward` that takes the gradient for the output (`upstream`),
then what `f` took, and gives the gradients for what `f` took, each of the shape of what it is named after. Values and
gradients equal those of Keras; each module is one idea, small enough to read in a lecture.
"""

from __future__ import annotations

from cnnkit._lazy import lazy_exports

MODULES = {
    "activations": "sigmoid tanh relu leaky_relu elu swish softmax",
    "classification_losses": "hinge_loss binary_hinge_loss cross_entropy_loss binary_cross_entropy_loss",
    "convolution": "conv1d conv2d conv3d",
    "depth_pooling": "max_pool_depth",
    "dropping": "dropout",
    "fully_connected": "dense maxout",
    "global_pooling": "global_max_pool2d global_average_pool2d",
    "normalization": "batch_norm_training batch_norm_inference",
    "pooling": "max_pool1d max_pool2d max_pool3d average_pool1d average_pool2d average_pool3d",
    "pyramid": "spatial_pyramid_pool",
    "separable": "depthwise_conv2d pointwise_conv2d",
    "shuffling": "channel_shuffle",
    "transposed": "transposed_conv1d transposed_conv2d",
    "upsampling": "subpixel_conv2d resize2d resize_conv2d",
}
"""Module → the functions that have a `…_backward` beside them."""

HELPERS = {
    "cost_table": "count memory",
    "convolution": "Gradients flipped",
    "dropping": "dropout_mask",
    "loops": "conv2d_loops max_pool2d_loops transposed_conv2d_loops",
    "normalization": "batch_statistics moving_average",
    "receptive_field": "Field receptive_fields",
    "transposed": "insert_zeros convolution_matrix transposed_conv_by_matrix",
    "upsampling": "depth_to_space space_to_depth enlarging_matrix",
}

_WITH_BACKWARD = {name: module for module, names in MODULES.items() for name in names.split()}
_NAMES = {
    **_WITH_BACKWARD,
    **{f"{name}_backward": module for name, module in _WITH_BACKWARD.items()},
    **{name: module for module, names in HELPERS.items() for name in names.split()},
}

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    modules={
        "counting": "cnnkit.primitives.counting",
        "layers": "cnnkit.primitives.layers",
        "receptive_field": "cnnkit.primitives.receptive_field",
    },
    names={name: f"cnnkit.primitives.{module}" for name, module in _NAMES.items()},
)
