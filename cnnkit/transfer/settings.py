"""How pictures come to the network in all phases of a training, here and in every worker of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import keras

from cnnkit.backbones.resizing import at_size
from cnnkit.data.kept_pictures import KeptPictures
from cnnkit.data.source import Source
from cnnkit.data.views.chain import crop_size
from cnnkit.data.views.mixing import Mixer
from cnnkit.data.views.view import Augmenter
from cnnkit.engines.forward import Forward
from cnnkit.engines.runtimes import Kind, Runtime
from cnnkit.transfer.feed import Feed
from cnnkit.transfer.finite import finite_features
from cnnkit.transfer.network import Network
from cnnkit.transfer.plan import Phase


@dataclass(frozen=True)
class Settings:
    """How pictures come to the network in all phases of one `fit`: arguments of `ck.fit`, under the same names.

    Attributes:
        runtime: What runs the frozen layers.
    """

    augment: Augmenter | None
    mix: Mixer | None
    views: int | None
    runtime: Runtime
    batch_size: int
    seed: int

    def views_in(self, phase: Phase) -> int | None:
        """How many versions of each picture take turns in a phase; None: each epoch has new ones."""
        return self.views if phase.views is None else min(phase.views, self.views or phase.views)

    def of_crops(self, network: Network) -> keras.Model:
        """The network for the pictures that it trains on: crops may be smaller or larger than its own."""
        return at_size(network.model, crop_size(self.augment) or network.size)

    def forward(self, prefix: keras.Model, *, say: Callable[[str], None] = lambda _line: None) -> Forward:
        """What runs the frozen layers."""
        changed = self.augment is not None or self.mix is not None  # views and blends are float
        kind: Kind = "float32" if changed else "uint8"
        return Forward(prefix, self.runtime, kind=kind, say=say)

    def feed(
        self,
        network: Network,
        source: Source,
        forward: Forward | None,
        views: int | None,
        *,
        train: bool,
        decoded: KeptPictures,
    ) -> Feed:
        """Pictures of training or validation as the tail gets them.

        Args:
            network: Whose framing, size and head they are for.
            source: The pictures.
            forward: The frozen layers, or None.
            views: See `views_in`.
            train: Whether they are those of training.
            decoded: Where pictures are kept from epoch to epoch.
        """
        return Feed(
            source=source,
            head=network.head,
            framing=network.framing,
            size=(crop_size(self.augment) if train else None) or network.size,
            batch_size=self.batch_size,
            forward=None if forward is None else partial(finite_features, forward),
            shuffle=train,
            augment=self.augment if train else None,
            views=views,
            seed=self.seed,
            weighted=train,
            decoded=decoded,
            mix=self.mix if train else None,
        )
