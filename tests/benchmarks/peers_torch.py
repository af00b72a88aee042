"""A U-Net of segmentation_models_pytorch, in an environment of its own: `bench_peers_dense.py` runs this as a script.

    python peers_torch.py IN.npz OUT.npz '{"encoder": "tu-mobilenetv2_035", …}'

IN.npz has `images` (n, h, w, 3) and `masks` (n, h, w) to train on, 255 where nothing is known, `class_weight`
(classes,), `test` (m, h, w, 3), and of a pretrained encoder its arrays, `encoder_0` and so on; OUT.npz gets `maps`
(m, h, w). It prints what the training took, as JSON. Views are albumentations' counterparts of those that cnnkit
trains on, and are made in this process: CPU seconds of workers would not be counted.
"""

from __future__ import annotations

import itertools
import json
import resource
import sys
import time
from collections.abc import Iterator
from typing import Any

import albumentations
import cv2
import numpy as np
import segmentation_models_pytorch as smp
import torch
from cpu_budget import Budget

VOID = 255
MEAN = (124, 116, 104)  # the colour outside the pictures, as in cnnkit


def augmentation(size: tuple[int, int], seed: int) -> albumentations.Compose:
    """Parts at scales from .5 to 2, mirrored, in other colours."""
    height, width = size
    return albumentations.Compose(
        [
            albumentations.RandomScale((-0.5, 1.0), p=1),
            albumentations.PadIfNeeded(height, width, border_mode=cv2.BORDER_CONSTANT, fill=MEAN, fill_mask=VOID),
            albumentations.RandomCrop(height, width),
            albumentations.HorizontalFlip(),
            albumentations.RGBShift(20, 20, 20, p=1),
            albumentations.RandomBrightnessContrast(brightness_limit=0.3, contrast_limit=0, p=1),
        ],
        seed=seed,
    )


def batches(data: Any, settings: dict[str, Any]) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Views and their masks, without end, each picture once in an epoch."""
    augment = augmentation(tuple(settings["size"]), settings["seed"])
    random = np.random.default_rng(settings["seed"])
    images, masks = data["images"], data["masks"]
    indices = itertools.chain.from_iterable(random.permutation(len(images)) for _ in itertools.count())
    for chosen in iter(lambda: list(itertools.islice(indices, settings["batch_size"])), []):
        seen = [augment(image=images[index], mask=masks[index]) for index in chosen]
        yield (
            tensor_of(np.stack([view["image"] for view in seen])),
            torch.from_numpy(np.stack([view["mask"] for view in seen]).astype(np.int64)),
        )


def tensor_of(images: np.ndarray) -> torch.Tensor:
    """(n, h, w, 3) of 0…255 as (n, 3, h, w) of −1…1, channels last in memory."""
    return torch.from_numpy(images.astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)


def take_weights(encoder: torch.nn.Module, data: Any) -> None:
    """Gives convolutions and normalizations, in their order, the arrays of Keras's layers in theirs."""
    arrays = (torch.from_numpy(data[f"encoder_{number}"]) for number in itertools.count())
    for module in encoder.modules():
        if isinstance(module, torch.nn.Conv2d):
            kernel = next(arrays)
            of_depth = module.groups > 1
            module.weight.data.copy_(kernel.permute(2, 3, 0, 1) if of_depth else kernel.permute(3, 2, 0, 1))
        elif isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3  # Keras's
            for values in (module.weight.data, module.bias.data, module.running_mean, module.running_var):
                values.copy_(next(arrays))


def trained(data: Any, settings: dict[str, Any]) -> tuple[torch.nn.Module, dict[str, Any]]:
    """The network when the budget is used up, and what that took."""
    torch.manual_seed(settings["seed"])
    wall, budget = time.perf_counter(), Budget(settings["budget"])
    class_weight = torch.from_numpy(data["class_weight"].astype(np.float32))
    # Of an encoder with Keras's weights: strided convolutions pad on the side where Keras pads.
    sizes = {"decoder_channels": settings["decoder_channels"], "classes": len(class_weight)}
    network = smp.Unet(settings["encoder"], encoder_weights=None, pad_type="same", **sizes)
    if "encoder_0" in data:
        take_weights(network.encoder, data)
    network = network.to(memory_format=torch.channels_last).train()
    groups = [
        {"params": list(part.parameters()), "peak": settings["rate"] * factor}
        for part, factor in (
            (network.encoder, settings["encoder_factor"]),
            (network.decoder, 1.0),
            (network.segmentation_head, 1.0),
        )
    ]
    optimizer = torch.optim.AdamW(groups, lr=settings["rate"], weight_decay=1e-4)
    cross_entropy = torch.nn.CrossEntropyLoss(weight=class_weight, ignore_index=VOID)
    dice = smp.losses.DiceLoss("multiclass", from_logits=True, ignore_index=VOID)
    for step, (images, masks) in enumerate(batches(data, settings)):
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * budget.factor(step)
        logits = network(images)
        loss = cross_entropy(logits, masks) + dice(logits, masks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if budget.is_over:
            break
    return network, {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "pictures": (step + 1) * settings["batch_size"],
        "cpu_seconds": budget.used,
        "wall_seconds": time.perf_counter() - wall,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000,
    }


@torch.no_grad()
def label_maps(network: torch.nn.Module, images: np.ndarray) -> np.ndarray:
    """(n, h, w) the likeliest classes; pictures are mirrored at the lower edge to a multiple of 32."""
    height = images.shape[1]
    padded = np.pad(images, ((0, 0), (0, -height % 32), (0, 0), (0, 0)), mode="reflect")
    maps = [network(tensor_of(image[None])).argmax(dim=1)[0, :height] for image in padded]
    return torch.stack(maps).numpy().astype(np.uint8)


def main(given: str, to: str, settings: str) -> None:
    """Trains, prints what it took and writes the label maps of the test pictures."""
    data = dict(np.load(given))
    network, taken = trained(data, json.loads(settings))
    np.savez(to, maps=label_maps(network.eval(), data["test"]))
    print(json.dumps(taken))


if __name__ == "__main__":
    main(*sys.argv[1:])
