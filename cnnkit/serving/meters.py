"""What a server counts, in the text form of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
PICTURES = (1, 2, 4, 8, 16, 32, 64)


class Meters:
    """Counters of one server; not those of the process, so that two servers in one process do not meet."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "cnnkit_requests", "Requests answered.", ("interface", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            *("cnnkit_request_seconds", "From arrival to answer.", ("interface",)),
            buckets=SECONDS,
            registry=self.registry,
        )
        self.pictures = Counter("cnnkit_pictures", "Pictures answered.", ("model",), registry=self.registry)
        self.batches = Histogram(
            *("cnnkit_batch_pictures", "Pictures that the network saw at a time.", ("model",)),
            buckets=PICTURES,
            registry=self.registry,
        )
        self.queue = Gauge("cnnkit_queue_pictures", "Pictures inside the server.", registry=self.registry)
        self.reloads = Counter(
            "cnnkit_reloads", "Versions loaded while serving, or refused.", ("model", "result"), registry=self.registry
        )

    def text(self) -> bytes:
        """All of them."""
        return generate_latest(self.registry)
