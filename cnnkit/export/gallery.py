"""A gallery: the people whom pictures are compared with, as vectors in one Parquet file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cnnkit.data.any_pictures import Pictures
from cnnkit.errors import DataError, InputError, unknown_name
from cnnkit.export.atomic_file import replacing
from cnnkit.export.own_files import check_ending, refuse_foreign_file
from cnnkit.export.tensors import model_hash, tensor_records
from cnnkit.heads.head import OpenSetHead
from cnnkit.metrics.given_arrays import real
from cnnkit.metrics.verification import accept_threshold
from cnnkit.transfer.inference import predict
from cnnkit.transfer.network import Network, network_of

METADATA_KEY = b"cnnkit gallery"
NAME = "name"
Floats = NDArray[np.float32]
# The threshold that no cosine reaches: where strangers look exactly like someone, it is the only one that refuses them.
NOBODY = float(np.nextafter(1, 2))


class Gallery:
    """People (animals, products, …) by name, each with the vectors of some pictures.

    **Privacy.** It holds, in memory and in the file that `save` writes, names and vectors of pictures: no picture. A
    vector is personal data all the same. With this network it recognizes the person, and a rough picture can be made
    from it (Mai et al. 2018, arXiv:1703.00832). `remove(name)` deletes a person from memory, and `save` then
    writes a file without them; copies and backups of older files are yours to delete, and so is a network that was
    trained on them. Ask people before you add them, and keep the file where few can read it.

    Args:
        network: With a head of `ck.heads.embedding`.
        flip: Whether the network sees each picture mirrored too, as in `ck.predict`.
        threshold: The cosine from which on a picture is taken for someone; `calibrate` finds it.

    Raises:
        InputError: Another head, or a threshold that is no cosine.
    """

    def __init__(self, network: Network, *, flip: bool = True, threshold: float | None = None) -> None:
        self._network = network_of(network)
        if not isinstance(network.head, OpenSetHead):
            received = f"a head of {network.head.target.kind}"
            raise InputError("a network with a head that compares pictures", received, "ck.heads.embedding makes one.")
        if threshold is not None and not real(threshold, -1, NOBODY):
            remedy = "gallery.calibrate(strangers) finds one."
            raise InputError("a threshold from -1 to 1, or None", repr(threshold), remedy)
        self._flip = flip
        self.threshold = threshold
        self._vectors: dict[str, Floats] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Who is in it, in the order in which they were added."""
        return tuple(self._vectors)

    def __len__(self) -> int:
        return len(self._vectors)

    def __repr__(self) -> str:
        pictures = sum(len(vectors) for vectors in self._vectors.values())
        limit = "no threshold" if self.threshold is None else f"threshold {self.threshold:.3f}"
        return f"Gallery of {len(self)} people, {pictures} pictures, {limit}"

    def add(self, name: str, pictures: Pictures) -> Gallery:
        """Adds a person, or more pictures of one.

        Args:
            name: Of the person.
            pictures: As for `ck.predict`.

        Returns:
            The gallery itself.

        Raises:
            InputError: A name that is no text, or an empty one.
            DataError: As of `ck.predict`.
        """
        if not isinstance(name, str) or not name:
            raise InputError("a name as text", repr(name), 'As in gallery.add("ann", "photos/ann").')
        _, vectors = self._looked_at(pictures)
        self._vectors[name] = np.concatenate([self._vectors[name], vectors]) if name in self._vectors else vectors
        return self

    def remove(self, name: str) -> None:
        """Deletes a person; `save` afterwards, so that the file forgets them too.

        Raises:
            UnknownNameError: Nobody has that name.
        """
        if name not in self._vectors:
            raise unknown_name("a person of the gallery", str(name), self._vectors)
        del self._vectors[name]

    def calibrate(self, strangers: Pictures, *, far: float = 1e-2) -> float:
        """Sets the threshold at which so few pictures of strangers are taken for someone of the gallery.

        Args:
            strangers: Pictures of people who are neither in the gallery nor among those that the network was trained
                on: for its own people a network is surer than for others.
            far: The largest share of them that are accepted.

        Returns:
            The threshold. It holds for this gallery: the more people it has, the higher it must be.

        Raises:
            InputError: Nobody is in the gallery, or another `far`.
            DataError: As of `ck.predict`.
        """
        _, vectors = self._looked_at(strangers)
        self.threshold = accept_threshold(self._similarities(vectors).max(axis=1), far=far)
        return self.threshold

    def identify(self, pictures: Pictures) -> pd.DataFrame:
        """Who is shown.

        Args:
            pictures: As for `ck.predict`.

        Returns:
            One row per picture: `id`; `label`, the name, or "" where nobody reaches the threshold; `score`, the cosine
            with the nearest picture of the gallery; and `nearest`, whose picture that is.

        Raises:
            InputError: Nobody is in the gallery, or it has no threshold.
            DataError: As of `ck.predict`.
        """
        if self.threshold is None:
            remedy = "gallery.calibrate(strangers) finds one, with pictures of people who are not in it."
            raise InputError("a gallery with a threshold", "none", remedy)
        ids, vectors = self._looked_at(pictures)
        similarities = self._similarities(vectors)
        best, score = similarities.argmax(axis=1), similarities.max(axis=1).astype(np.float64)
        nearest = [self.names[person] for person in best]
        label = [name if value >= self.threshold else "" for name, value in zip(nearest, score, strict=True)]
        return pd.DataFrame({"id": ids, "label": label, "score": score, "nearest": nearest})

    def save(self, path: str | Path) -> Path:
        """Writes names, vectors and threshold to a Parquet file, which replaces an older gallery at once.

        Raises:
            UnknownNameError: A path that does not end in ".parquet".
            InputError: Something else is there.
            BundleError: The disk is full, or the file may not be written.
        """
        path = Path(path).expanduser()
        check_ending(path, (".parquet",), kind="a Parquet file")
        refuse_foreign_file(path, _is_gallery, what="a gallery of cnnkit")
        names = [name for name, vectors in self._vectors.items() for _ in vectors]
        values = np.concatenate([*self._vectors.values(), self._no_vectors()])
        limit = None if self.threshold is None else float(self.threshold)
        about = {"format": 1, "model_hash": self._hash(), "threshold": limit, "flip": self._flip}
        columns = {NAME: pa.array(names, pa.string())} | {f"v{place}": pa.array(v) for place, v in enumerate(values.T)}
        table = pa.table(columns).replace_schema_metadata({METADATA_KEY: json.dumps(about).encode()})
        with replacing(path, private=True) as partial:
            pq.write_table(table, partial)
        return path

    @classmethod
    def load(cls, path: str | Path, network: Network) -> Gallery:
        """The gallery that `save` wrote.

        Args:
            path: The file.
            network: The one that made its vectors.

        Raises:
            DataError: No file of a gallery.
            InputError: The vectors are of another network: add the pictures again.
        """
        try:
            table = pq.read_table(Path(path).expanduser())
            about = json.loads((table.schema.metadata or {})[METADATA_KEY])
        except (OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise DataError(f"a gallery of cnnkit at {path}", str(error), "Pass what Gallery.save wrote.") from error
        gallery = cls(network, flip=about["flip"], threshold=about["threshold"])
        if about["model_hash"] != gallery._hash():
            remedy = "Load it with the network that made it, or add the pictures again."
            raise InputError(f"the network whose vectors {path} holds", "one with other weights", remedy)
        values = np.stack([column.to_numpy() for column in table.columns[1:]], axis=1)
        names = np.array(table[NAME].to_pylist(), str)
        for name in dict.fromkeys(names.tolist()):
            gallery._vectors[name] = values[names == name]
        return gallery

    def _looked_at(self, pictures: Pictures) -> tuple[list[str], Floats]:
        """Ids and vectors of pictures."""
        table = predict(self._network, pictures, flip=self._flip)
        return table["id"].tolist(), table.iloc[:, 1:].to_numpy(np.float32)

    def _similarities(self, vectors: Floats) -> Floats:
        """(pictures, people) the cosine with the nearest picture of each person."""
        if not self._vectors:
            raise InputError("someone in the gallery", "nobody", 'gallery.add("ann", pictures) adds a person.')
        cosines = np.stack([(vectors @ known.T).max(axis=1) for known in self._vectors.values()], axis=1)
        return np.asarray(np.clip(cosines, -1, 1), np.float32)  # those of equal vectors are rounded to either side

    def _no_vectors(self) -> Floats:
        head, outputs = self._network.head, self._network.no_outputs()
        return head.decode(outputs, self._network.size).values  # type: ignore[attr-defined,no-any-return]  # of an embedding

    def _hash(self) -> str:
        return model_hash(tensor_records(self._network.model))


def _is_gallery(path: Path) -> bool:
    try:
        return METADATA_KEY in (pq.read_schema(path).metadata or {})
    except (OSError, pa.ArrowException):
        return False
