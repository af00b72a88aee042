"""Generators and the discriminator: the parameters that the authors' program prints, and what a patch is."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cnnkit as ck
from cnnkit.errors import InputError, UnknownNameError
from cnnkit.heads.generators import Pix2PixPainter


def counted(model: keras.Model) -> int:
    return int(model.count_params())


@pytest.mark.slow
def test_the_generators_of_the_papers() -> None:
    """junyanz/pytorch-CycleGAN-and-pix2pix prints 54.414 M for unet_256 and 11.378 M for resnet_9blocks."""
    assert counted(ck.tasks.unet_generator((256, 256), upsampling="transposed").model) == 54_413_955
    assert counted(ck.tasks.resnet_generator((256, 256)).model) == 11_378_179


def unet_parameters(width: int, depth: int, kernel: int = 4) -> int:
    """Isola et al., section 6.1.1, layer by layer: no bias but in the last one, two numbers per normalized channel.

    Their decoder has 4×4 kernels.
    """
    widths = [width * min(2**level, 8) for level in range(depth)]
    down = sum(16 * a * b for a, b in zip([3, *widths], widths, strict=False)) + 2 * sum(widths[1:-1])
    ups = list(reversed(widths[:-1]))  # joined with their skips, they have twice as many channels
    up = sum(
        kernel**2 * a * b for a, b in zip([widths[-1], *(2 * channels for channels in ups)], [*ups, 3], strict=True)
    )
    return down + up + 2 * sum(ups) + 3


@pytest.mark.parametrize(("upsampling", "kernel"), [("transposed", 4), ("resized", 3)])
def test_parameters_of_a_small_u_net(upsampling: str, kernel: int) -> None:
    assert unet_parameters(64, 8) == 54_413_955
    net = ck.tasks.unet_generator((32, 64), width=4, upsampling=upsampling)
    assert counted(net.model) == unet_parameters(4, 5, kernel)
    assert net.model.output_shape == (None, 32, 64, 3)
    assert [net.model.get_layer(layer).output.shape[1] for layer in net.taps.values()] == [16, 8, 4, 2, 1]


@pytest.mark.parametrize(("upsampling", "grid"), [("transposed", True), ("resized", False)])
def test_a_map_of_one_value_gets_a_grid_by_transposed_convolutions_alone(upsampling: str, *, grid: bool) -> None:
    """Odena et al. 2016: neighbours of a transposed convolution are sums of other parts of its kernel."""
    maps = {"P1": np.ones((1, 32, 32, 4), np.float32), "P2": np.ones((1, 16, 16, 4), np.float32)}
    inputs = {name: keras.Input(values.shape[1:], name=name) for name, values in maps.items()}
    painter = Pix2PixPainter(2, dropout=0.0, upsampling=upsampling)
    painted = np.asarray(keras.Model(inputs, painter.build(inputs, 1))(maps))[0]
    assert painted.shape == (64, 64, 3)
    far_from_borders = painted[24:40, 24:40]
    assert ((np.ptp(far_from_borders, axis=(0, 1)) > 1e-4) == grid).all()


def test_parameters_of_a_small_residual_generator() -> None:
    """Zhu et al., section 7.2: c7s1-4, d8, d16, R16 twice, u8, u4, c7s1-3, each convolution with its bias."""
    convolutions = [(7, 3, 4), (3, 4, 8), (3, 8, 16), *[(3, 16, 16)] * 4, (3, 16, 8), (3, 8, 4), (7, 4, 3)]
    net = ck.tasks.resnet_generator((16, 20), width=4, blocks=2)
    assert counted(net.model) == sum(side**2 * a * b + b for side, a, b in convolutions)
    assert net.model.output_shape == (None, 16, 20, 3)


@pytest.mark.parametrize(("conditional", "parameters"), [(True, 2_768_705), (False, 2_764_737)])
def test_the_discriminator_of_the_papers(*, conditional: bool, parameters: int) -> None:
    """The same program prints 2.769 M and 2.765 M; 256 pixels give 30 × 30 patches of 70 pixels."""
    judge = ck.tasks.patch_discriminator((256, 256), conditional=conditional)
    assert counted(judge) == parameters
    assert judge.output_shape == (None, 30, 30, 1)
    field, stride = 1, 1
    for layer in judge.layers:
        if isinstance(layer, keras.layers.Conv2D):
            field, stride = field + (layer.kernel_size[0] - 1) * stride, stride * layer.strides[0]
    assert field == 70


def test_normalization_is_that_of_a_picture_alone() -> None:
    net = ck.tasks.unet_generator((16, 16), width=4, seed=1)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.float32)
    whole = net.model(pictures, training=False).numpy()
    np.testing.assert_allclose(net.model(pictures[1:2], training=False).numpy(), whole[1:2], atol=1e-2)
    assert 0 <= whole.min() < whole.max() <= 255


def test_other_settings_are_refused() -> None:
    with pytest.raises(InputError, match="short side"):
        ck.tasks.unet_generator((48, 48))
    with pytest.raises(InputError, match="multiples of 4"):
        ck.tasks.resnet_generator((18, 16))
    with pytest.raises(InputError, match="dropout"):
        ck.tasks.unet_generator((16, 16), dropout=1.0)
    with pytest.raises(UnknownNameError, match="Did you mean 'resized'"):
        ck.tasks.unet_generator((16, 16), upsampling="resize")
    with pytest.raises(InputError, match="blocks"):
        ck.tasks.resnet_generator((16, 16), blocks=0)
    with pytest.raises(InputError, match="width"):
        ck.tasks.patch_discriminator((32, 32), conditional=True, width=0)
    with pytest.raises(InputError, match="at least 24 × 24"):
        ck.tasks.patch_discriminator((16, 32), conditional=True)
