"""A new head on a frozen backbone: PyTorch's tutorial against `ck.fit`. Needs torch and torchvision.

    pip install torch torchvision
    python tests/benchmarks/bench_pytorch.py --pictures 500 --rounds 5

The peer is the tutorial's "ConvNet as fixed feature extractor"
(https://pytorch.org/tutorials/beginner/transfer_learning_tutorial.html): `ImageFolder`, a `DataLoader` with a worker
for each core, parameters that need no gradient, a new last layer, SGD. It gets what makes it faster without changing
what is learned: normalizations that are as frozen as cnnkit's (`eval`), memory in the order channels last, and a malloc
that keeps large blocks. Both read the same JPEG files (500 × 375), resize them to 224² and train ten epochs at batch
size 32, random weights. A run is a process of its own; the time is from the folder to the trained head, with neither
importing nor building the network.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import harness
import photos

PEER = "PyTorch"
# Name in cnnkit and in torchvision; what its last layer is called there.
BACKBONES = {"mobilenet_v2": "classifier.1", "resnet50": "fc"}
# glibc gives large blocks back at each free: the pages of PyTorch's activations would be faulted in again and again.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**33)}
EPOCHS = 10
BATCH_SIZE = 32


def torch_run(name: str, folder: Path) -> Callable[[], None]:
    """The tutorial, ready to run."""
    import torch
    import torchvision
    from torchvision import transforms

    network = getattr(torchvision.models, name)(weights=None).to(memory_format=torch.channels_last)
    for parameter in network.parameters():
        parameter.requires_grad = False
    last = network.get_submodule(BACKBONES[name])
    network.set_submodule(BACKBONES[name], torch.nn.Linear(last.in_features, 2))
    normalize = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    prepare = transforms.Compose([transforms.Resize(224), transforms.CenterCrop(224), transforms.ToTensor(), normalize])
    loss_of = torch.nn.CrossEntropyLoss()

    def run() -> None:
        data = torchvision.datasets.ImageFolder(folder, prepare)
        loader = torch.utils.data.DataLoader(data, BATCH_SIZE, shuffle=True, num_workers=os.cpu_count() or 1)
        optimizer = torch.optim.SGD(network.get_submodule(BACKBONES[name]).parameters(), lr=1e-3, momentum=0.9)
        network.eval()
        for _ in range(EPOCHS):
            for images, labels in loader:
                optimizer.zero_grad()
                loss = loss_of(network(images.to(memory_format=torch.channels_last)), labels)
                loss.backward()
                optimizer.step()

    return run


def our_run(name: str, folder: Path) -> Callable[[], None]:
    """The same with cnnkit, nothing kept from before."""
    import bench_head_phase

    import cnnkit as ck

    body = ck.backbone(name, weights=None, input_shape=(224, 224, 3))
    return bench_head_phase.ours(folder, EPOCHS, body, bench_head_phase.WAYS["first run"], folder.parent / "cache")


RUNS = {PEER: torch_run, "first run": our_run}


def child(who: str, name: str, folder: str) -> None:
    """One run, in a process of its own; prints its seconds."""
    run = RUNS[who](name, Path(folder))
    started = time.perf_counter()
    run()
    print(json.dumps(time.perf_counter() - started))


def seconds(who: str, name: str, pictures: int) -> float:
    """What one run takes, on files of its own."""
    with tempfile.TemporaryDirectory() as place:
        photos.make(Path(place, "photos"), pictures)
        command = [sys.executable, __file__, "--child", who, name, str(Path(place, "photos"))]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=os.environ | MALLOC)
    return float(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Runs the rounds and prints a table, or JSON."""
    arguments = harness.options(__doc__, pictures=500).parse_args()
    started = harness.machine()
    installed = all(importlib.util.find_spec(name) for name in ("torch", "torchvision"))
    if not installed:
        harness.say("  without its peer: pip install torch torchvision")
    table: list[harness.Row] = []
    for name in BACKBONES if installed else ():
        harness.say(name)
        runs = {who: partial(seconds, who, name, arguments.pictures) for who in RUNS}
        found = harness.interleaved(arguments.rounds, runs)
        table += harness.rows(f"{name}, {arguments.pictures} pictures", found, peer=PEER, bars={})
    harness.report("pytorch", table, started=started, arguments=arguments)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
