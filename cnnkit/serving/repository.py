"""Which networks are served: by name, each in one version or several, loaded anew while requests are answered.

A bundle is a model of one version, which counts up when the bundle is saved again. A folder of folders with numbers
for names, as TensorFlow Serving has it, is a model whose versions are the newest of them.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cnnkit.errors import BundleError, InputError
from cnnkit.export.bundle import load
from cnnkit.export.manifest import MANIFEST_FILE
from cnnkit.serving.meters import Meters
from cnnkit.serving.refusals import RequestError
from cnnkit.serving.served import Served
from cnnkit.transfer.network import Network

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
LOG = logging.getLogger("cnnkit.serving")
Make = Callable[[str, int, Network], Served]
Stamp = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Place:
    """Where a model comes from: its bundle or its folder of numbered bundles."""

    name: str
    folder: Path

    def bundles(self, versions: int) -> dict[int, Path]:
        """Version → bundle, the newest so many; {0: the folder} of a bundle that is none of several."""
        if (self.folder / MANIFEST_FILE).exists():
            return {0: self.folder}
        numbers = [int(path.name) for path in self.folder.glob("[0-9]*") if path.name.isdecimal()]
        complete = [number for number in sorted(numbers) if (self.folder / str(number) / MANIFEST_FILE).exists()]
        return {number: self.folder / str(number) for number in complete[-versions:] if number > 0}


def stamp(bundle: Path) -> Stamp:
    """What changes when a bundle is saved again, and while it is copied: name, place, size and time of each file."""
    status = {file.name: file.stat() for file in sorted(bundle.iterdir())}
    return tuple((name, told.st_ino, told.st_size, told.st_mtime_ns) for name, told in status.items())


class Repository:
    """The networks of a server.

    Args:
        make: Makes a version ready: name, number, network.
        meters: What counts reloads.
        versions: Of a folder of numbered bundles, how many are served.
    """

    def __init__(self, make: Make, meters: Meters, *, versions: int = 2) -> None:
        self._make = make
        self._meters = meters
        self._versions = versions
        self._models: dict[str, dict[int, Served]] = {}
        self._places: dict[str, Place] = {}
        self._stamps: dict[tuple[str, int], Stamp] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the models, in the order in which they came."""
        return tuple(self._models)

    def add(self, name: str, network: Network | Path) -> None:
        """Loads a model; before the server starts.

        Raises:
            InputError: Its name is taken, or cannot be part of an address.
            BundleError: No bundle, or a damaged one.
        """
        if not NAME.fullmatch(name):
            raise InputError("the name of a model as letters, digits, _, . and -", repr(name), "Give NAME=BUNDLE.")
        if name in self._models:
            raise InputError("models of different names", f"{name!r} twice", "Give NAME=BUNDLE.")
        if isinstance(network, Network):
            self._models[name] = {1: self._make(name, 1, network)}
            return
        self._places[name] = Place(name, network)
        self._models[name] = {}
        for number, bundle in self._places[name].bundles(self._versions).items():
            self._load(name, number, bundle)
        if not self._models[name]:
            expected = f"a bundle in {network}, or bundles in folders called 1, 2, …"
            raise BundleError(expected, f"no {MANIFEST_FILE}", "ck.save(net, folder) writes one.")

    def find(self, name: str, version: int | None = None) -> Served:
        """A version of a model; by default the newest.

        Raises:
            RequestError: 404, there is none.
        """
        versions = self._models.get(name)
        if versions is None:
            raise RequestError(404, f"a model of {', '.join(self.names)}", repr(name), "GET / shows them.")
        number = max(versions) if version is None else version
        if number not in versions:
            known = ", ".join(map(str, sorted(versions)))
            raise RequestError(404, f"a version of {name}: {known}", str(version), "Leave it out for the newest.")
        return versions[number]

    def versions(self, name: str) -> list[int]:
        """The numbers that are served, of a model that there is."""
        self.find(name)
        return sorted(self._models[name])

    async def watch(self, seconds: float) -> None:
        """Loads what is new, and ends what it replaces, until it is cancelled; what fails is told in the log."""
        while True:
            await asyncio.sleep(seconds)
            for name in self._places:
                try:
                    await self.refresh(name)
                except Exception:  # whatever one of them is, the others are looked at, and this one again
                    self._meters.reloads.labels(name, "refused").inc()
                    LOG.exception("%s is not reloaded", name)

    async def refresh(self, name: str) -> None:
        """Loads the new versions of a model. The old ones answer until these are warm.

        Raises:
            BundleError: A new one is damaged; it is tried again when it has changed.
        """
        place, models = self._places[name], self._models[name]
        bundles = place.bundles(self._versions)
        for number, bundle in bundles.items():
            now = stamp(bundle)
            if self._stamps.get((name, number)) == now:
                continue
            self._stamps[name, number] = now
            replaced = await asyncio.to_thread(self._load, name, number, bundle)
            if replaced is not None:
                replaced.retire()  # here: who uses it is counted on the loop
            self._meters.reloads.labels(name, "loaded").inc()
            LOG.info("%s: version %d is served", name, max(models))
        if not bundles:
            return  # a folder that is being replaced, or was removed: what is loaded goes on
        serving = {max(models)} if 0 in bundles else set(bundles) & set(models) or {max(models)}
        for number in set(models) - serving:
            models.pop(number).retire()

    def _load(self, name: str, number: int, bundle: Path) -> Served | None:
        """Puts a bundle beside the versions that there are; a bundle that is saved again is one more version.

        Returns:
            The version in whose place it is, if there was one; to be retired.
        """
        self._stamps[name, number] = stamp(bundle)
        models = self._models[name]
        version = number or max(models, default=0) + 1
        served = self._make(name, version, load(bundle))
        replaced = models.get(version)
        models[version] = served
        return replaced


def named(networks: object) -> dict[str, Network | Path]:
    """Name → network or bundle, of what `ck.serving.app` takes.

    Raises:
        InputError: Something else.

    >>> named(["runs/photos", "cats=runs/4"])
    {'photos': PosixPath('runs/photos'), 'cats': PosixPath('runs/4')}
    """
    remedy = "For example [net], {'photos': net} or ['runs/photos', 'cats=runs/4']."
    if isinstance(networks, Mapping):
        pairs = list(networks.items())
    elif isinstance(networks, list | tuple):
        pairs = [_pair(network) for network in networks]
    else:
        raise InputError("networks or bundles, in a list or by name", type(networks).__name__, remedy)
    models: dict[str, Network | Path] = {}
    for name, network in pairs:
        if not isinstance(name, str) or not isinstance(network, Network | Path | str):
            raise InputError("networks or bundles, in a list or by name", f"{name!r}: {network!r}"[:200], remedy)
        if name in models:
            raise InputError("models of different names", f"{name!r} twice", "Give them by name: {'one': net, …}.")
        models[name] = Path(network).expanduser() if isinstance(network, str) else network
    if not models:
        raise InputError("at least one network or bundle", "none", remedy)
    return models


def _pair(network: object) -> tuple[object, object]:
    if isinstance(network, Network):
        return "model", network
    if isinstance(network, str) and "=" in network:
        name, _, folder = network.partition("=")
        return name, folder
    return (Path(network).absolute().name if isinstance(network, str | Path) else None), network
