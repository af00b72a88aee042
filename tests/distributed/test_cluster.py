"""On a real cluster of two nodes: what comes out is what one process makes, whatever dies."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

import cnnkit as ck
from cnnkit.backbones.extractor import backbone
from cnnkit.course.grading.batch import grade
from cnnkit.course.grading.results import write_grades
from cnnkit.data.image_folder import folder
from cnnkit.data.views.augmentation import Augmentation
from cnnkit.errors import DataError, ImageFileError, InputError, InterruptedTrainingError, WorkersError
from cnnkit.export.prediction_parts import predict_to_parquet
from cnnkit.heads.classification import classifier
from cnnkit.transfer.cache_choice import FeatureCache
from cnnkit.transfer.fitting import fit
from cnnkit.transfer.network import Network, attach
from cnnkit.transfer.plan import Phase, Plan
from tests.course.grading.inboxes import make_class
from tests.export.tiny_network import network, noise
from tests.transfer.worlds import inception, pictures, residual

COUNT = 23


@pytest.fixture(scope="module")
def workers(nodes: Any):
    from cnnkit.distributed import cluster

    return cluster(nodes.address)


@dataclass(frozen=True)
class Doubling:
    """Work that dies, or raises, in the first tries of some pieces."""

    folder: Path
    deaths: int = 0
    error: Exception | None = None

    def start(self) -> Callable[[int], int]:
        return self.double

    def double(self, number: int) -> int:
        if number == 3:
            tries = self.folder / f"tries-{number}"
            done = int(tries.read_text()) if tries.exists() else 0
            tries.write_text(str(done + 1))
            if done < self.deaths:
                if self.error is not None:
                    raise self.error
                os._exit(1)
        return 2 * number


def named(count: int):
    return ((f"piece {number}", number) for number in range(count))


def test_pieces_are_done_once_each(workers: Any, tmp_path: Path) -> None:
    assert sorted(workers.told(Doubling(tmp_path)).map(named(8))) == list(range(0, 16, 2))


@dataclass(frozen=True)
class Reading:
    """Work that reads the file of a relative path."""

    def start(self) -> Callable[[str], str]:
        return lambda path: Path(path).read_text()


def test_what_no_cluster_can_do_is_refused(workers: Any) -> None:
    from cnnkit.distributed import cluster

    assert cluster("auto").count == workers.count
    with pytest.raises(InputError, match=rf"here '{workers.address}'\. Received: 'ray://elsewhere:10001'"):
        cluster("ray://elsewhere:10001")
    with pytest.raises(InputError, match=r"at most 1 processors for each task, as a machine has\. Received: cpus=64"):
        cluster(cpus=64)


def test_relative_paths_mean_there_what_they_mean_here(workers: Any, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("a")
    assert list(workers.told(Reading()).map([("a file", "a.txt")])) == ["a"]


@pytest.mark.slow
def test_a_task_that_dies_is_done_again(workers: Any, tmp_path: Path) -> None:
    assert sorted(workers.told(Doubling(tmp_path, deaths=1)).map(named(5))) == [0, 2, 4, 6, 8]
    assert (tmp_path / "tries-3").read_text() == "2"


@pytest.mark.slow
def test_one_that_dies_twice_is_named_when_the_others_are_done(workers: Any, tmp_path: Path) -> None:
    results = workers.told(Doubling(tmp_path, deaths=2)).map(named(6))
    assert sorted(next(results) for _ in range(5)) == [0, 2, 4, 8, 10]
    with pytest.raises(WorkersError, match=r"1 that failed twice: piece 3: WorkerCrashedError.* What was done is kept"):
        next(results)


@pytest.mark.slow
def test_an_error_of_the_work_is_that_error(workers: Any, tmp_path: Path) -> None:
    error = DataError("a picture", "none", "Take one.")
    results = workers.told(Doubling(tmp_path, deaths=2, error=error)).map(named(6))
    assert sorted(next(results) for _ in range(5)) == [0, 2, 4, 8, 10]
    with pytest.raises(DataError, match=r"Expected a picture. Received: none. Take one.") as failure:
        next(results)
    assert failure.value.__notes__ == [
        "1 tasks failed twice: piece 3: DataError Expected a picture. Received: none. Take one."
    ]


@pytest.fixture(scope="module")
def net() -> Network:
    keras.utils.set_random_seed(0)
    return network()


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return noise(tmp_path / "photos", COUNT)


def test_predictions_are_the_same_file(workers: Any, net: Network, photos: Path, tmp_path: Path) -> None:
    alone = predict_to_parquet(net, photos, tmp_path / "alone.parquet", batch_size=2)
    there = predict_to_parquet(net, photos, tmp_path / "there.parquet", batch_size=2, part_rows=5, workers=workers)
    assert there.path.read_bytes() == alone.path.read_bytes()
    assert (there.pictures, there.labels, there.kept_pictures) == (COUNT, alone.labels, 0)


NO_ACCIDENTS: Mapping[int, Callable[[], None]] = {}


class Watched:
    """Workers that count their pieces, may share no storage with this process, and meet with accidents."""

    def __init__(self, workers: Any, *, shared: bool = True, accidents=NO_ACCIDENTS) -> None:
        self.workers, self.shared, self.accidents, self.names = workers, shared, accidents, []

    def sees(self, file: Path) -> bool:
        return self.shared and self.workers.sees(file)

    @property
    def count(self) -> int:
        return self.workers.count

    def told(self, work: Any):
        return WatchedTasks(self.workers.told(work), self)


@dataclass(frozen=True)
class WatchedTasks:
    told: Any
    watched: Watched

    def map(self, pieces: Any):
        def counted():
            for name, piece in pieces:
                self.watched.names.append(name)
                yield name, piece
                self.watched.accidents.get(len(self.watched.names), lambda: None)()

        return self.told.map(counted())


@pytest.mark.slow
def test_bytes_travel_where_storage_is_not_shared(workers: Any, net: Network, photos: Path, tmp_path: Path) -> None:
    alone = predict_to_parquet(net, photos, tmp_path / "alone.parquet", batch_size=2)
    far = Watched(workers, shared=False)
    there = predict_to_parquet(net, photos, tmp_path / "there.parquet", batch_size=2, part_rows=5, workers=far)
    assert there.path.read_bytes() == alone.path.read_bytes()
    assert sorted(far.names)[0] == "the 5 pictures from 18.png to 22.png"


@pytest.mark.slow
def test_what_is_there_is_not_computed_again(workers: Any, net: Network, photos: Path, tmp_path: Path) -> None:
    alone = predict_to_parquet(net, photos, tmp_path / "alone.parquet", batch_size=2)
    broken, content = photos / "7.png", (photos / "7.png").read_bytes()
    broken.write_bytes(content[:60])
    watched = Watched(workers)
    options = {"batch_size": 2, "part_rows": 6, "workers": watched}
    with pytest.raises(ImageFileError, match=r"7\.png") as failure:
        predict_to_parquet(net, photos, tmp_path / "there.parquet", **options)
    assert "the 6 pictures from 6.png to 11.png" in failure.value.__notes__[0]
    broken.write_bytes(content)
    watched.names.clear()
    there = predict_to_parquet(net, photos, tmp_path / "there.parquet", **options)
    assert watched.names == ["the 6 pictures from 6.png to 11.png"]
    assert (there.kept_pictures, there.path.read_bytes()) == (COUNT - 6, alone.path.read_bytes())


def trained(photos: Path, cache: FeatureCache, **options: Any) -> list[np.ndarray]:
    keras.utils.set_random_seed(3)
    made = attach(backbone(residual()), classifier(["grey", "red"]))
    plan = Plan([Phase("head", epochs=3, rate=0.01)])
    fit(made, folder(photos), plan, augment=FLIPS, cache=cache, views=2, progress=False, **options)
    return [variable.numpy() for variable in made.model.variables]


FLIPS = Augmentation(horizontal_flip=True, rotation=20)


def entries(place: Path) -> dict[str, bytes]:
    return {str(file.relative_to(place)): file.read_bytes() for file in sorted(place.rglob("*.bin"))}


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two chunks of training pictures."""
    root = tmp_path_factory.mktemp("classes")
    images, labels = pictures(400, 0)
    for name in ("grey", "red"):
        (root / name).mkdir()
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(root / ("grey", "red")[label] / f"{number}.png")
    return root


def test_features_and_weights_are_the_same(workers: Any, classes: Path, tmp_path: Path) -> None:
    alone = trained(classes, FeatureCache("disk", tmp_path / "alone"))
    watched = Watched(workers)
    there = trained(classes, FeatureCache("disk", tmp_path / "there"), workers=watched)
    assert entries(tmp_path / "there") == entries(tmp_path / "alone")
    assert len(watched.names) == 5  # two chunks in two views, and one of validation as it is
    for one, other in zip(there, alone, strict=True):
        np.testing.assert_array_equal(one, other)
    watched.names.clear()
    trained(classes, FeatureCache("disk", tmp_path / "there"), workers=watched)
    assert watched.names == []


@pytest.mark.slow
@pytest.mark.parametrize("keep", ["memory", "disk"])
def test_features_travel_where_storage_is_not_shared(workers: Any, classes: Path, tmp_path: Path, keep) -> None:
    alone = trained(classes, FeatureCache("memory"))
    there = trained(classes, FeatureCache(keep, tmp_path), workers=Watched(workers, shared=False))
    for one, other in zip(there, alone, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_comparison_is_the_same_table(workers: Any, classes: Path) -> None:
    keras.utils.set_random_seed(3)
    body = backbone(residual())
    tables = [ck.compare(str(classes), body, cuts=2, workers=who, progress=False).table for who in (None, workers)]
    one, other = (table.drop(columns="milliseconds").set_index("cut").sort_index() for table in tables)
    pd.testing.assert_frame_equal(one, other)


def test_grades_are_the_same(workers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_class(tmp_path, {"ada": 185, "bo": 172, "di": 120}, bad=("x",))
    settings = {"assignment": root / "assignment", "labels": root / "labels.parquet"}
    alone = grade(root / "inbox", out=root / "alone", workers=1, **settings)
    monkeypatch.chdir(root)  # the cluster was started elsewhere
    there = grade("inbox", out=root / "there", workers=workers, **settings)
    assert there.counts() == alone.counts() == {"passed": 2, "not passed": 1, "refused": 1}
    files = [write_grades(each, root / name).folder / "grades.parquet" for each, name in ((alone, "a"), (there, "b"))]
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.slow
def test_an_inbox_that_others_do_not_see_is_refused(workers: Any, tmp_path: Path) -> None:
    root = make_class(tmp_path, {"ada": 185})
    with pytest.raises(InputError, match="on storage that all machines of the cluster see"):
        grade(
            root / "inbox",
            assignment=root / "assignment",
            labels=root / "labels.parquet",
            out=root / "out",
            workers=Watched(workers, shared=False),
        )


def fitted(photos: Path, **options: Any):
    keras.utils.set_random_seed(3)
    made = attach(backbone(inception()), classifier(["grey", "red"]))  # without dropout, which each draws for itself
    plan = Plan([Phase("deep", train="all", epochs=2, rate=0.003, schedule="cosine")])
    run = fit(made, folder(photos), plan, augment=FLIPS, batch_size=64, cache="none", progress=False, **options)
    return [variable.numpy() for variable in made.model.variables], run.history


@pytest.mark.slow
def test_two_workers_train_as_one_machine_does(workers: Any, classes: Path) -> None:
    alone, history = fitted(classes)
    watched = Watched(workers)
    there, of_workers = fitted(classes, workers=watched, distribute="data")
    for one, other in zip(there, alone, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=0)
    numbers = ["loss", "accuracy", "val_loss", "val_accuracy", "rate"]
    np.testing.assert_allclose(of_workers[numbers], history[numbers], atol=1e-4)
    assert len(watched.names) == 2 * 5 * workers.count  # 280 pictures are 5 batches


def kill_processes() -> None:
    """All that are at work, whatever they do."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "ray::perform" in " ".join(process.cmdline()):
                process.kill()


@pytest.mark.slow
def test_killed_workers_and_a_stop_change_no_weight(workers: Any, classes: Path, tmp_path: Path) -> None:
    alone, _ = fitted(classes)

    def stop(epoch: int, _logs: Any) -> None:
        if epoch == 1:
            raise KeyboardInterrupt

    options = {"distribute": "data", "resume": tmp_path}
    callback = keras.callbacks.LambdaCallback(on_epoch_begin=stop)
    with pytest.raises(InterruptedTrainingError):
        fitted(classes, workers=Watched(workers, accidents={7: kill_processes}), callbacks=callback, **options)
    there, history = fitted(classes, workers=Watched(workers, accidents={5: kill_processes}), **options)
    assert len(history) == 2
    for one, other in zip(there, alone, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4, rtol=0)


@pytest.mark.slow
def test_a_machine_killed_in_the_middle_changes_nothing(workers, nodes, net, photos: Path, tmp_path: Path) -> None:
    alone = predict_to_parquet(net, photos, tmp_path / "alone.parquet", batch_size=1)
    third = nodes.add_node(num_cpus=2, object_store_memory=100_000_000)
    watched = Watched(workers, accidents={12: lambda: nodes.remove_node(third, allow_graceful=False)})
    there = predict_to_parquet(net, photos, tmp_path / "there.parquet", batch_size=1, part_rows=1, workers=watched)
    assert there.path.read_bytes() == alone.path.read_bytes()
    assert len(watched.names) == COUNT


CLIENT = """
import sys
import cnnkit as ck
net = ck.load(sys.argv[2])
written = ck.export.predict_to_parquet(net, sys.argv[3], sys.argv[4], batch_size=2, part_rows=8, workers=sys.argv[1])
print(written.pictures, ck.distributed.cluster(sys.argv[1]).count)
"""


@pytest.mark.slow
def test_from_outside_the_cluster(nodes, net, photos: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ck.save(net, tmp_path / "bundle")
    alone = predict_to_parquet(net, photos, tmp_path / "alone.parquet", batch_size=2)
    server = [sys.executable, "-m", "ray.util.client.server", "--address", nodes.address, "--port", str(port)]
    out = tmp_path / "there.parquet"
    with subprocess.Popen(
        [*server, "--host", "127.0.0.1"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as door:
        try:
            command = [sys.executable, "-c", CLIENT, f"ray://127.0.0.1:{port}", tmp_path / "bundle", photos, out]
            done = subprocess.run(command, capture_output=True, text=True, timeout=400)
        finally:
            door.terminate()
    assert (done.stdout.split(), done.returncode) == ([str(COUNT), "2"], 0), done.stderr
    assert out.read_bytes() == alone.path.read_bytes()
