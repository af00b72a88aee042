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

from cnnkit._front_door import front_door

__getattr__, __dir__, __all__ = front_door(__name__, __file__)
