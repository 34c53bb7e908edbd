"""What happens -> figures that Prometheus reads."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The figures of one server.

    Attributes:
        paths: Those that may be a label; what else clients ask for counts as "other".
    """

    def __init__(self) -> None:
        self.registry = own = CollectorRegistry()
        self.paths: set[str] = set()
        ProcessCollector(registry=own)
        self._requests = Counter("sentiment_requests", "Answered requests", ["path", "status"], registry=own)
        self._seconds = Histogram("sentiment_request_seconds", "Seconds taken", ["path"], buckets=SECONDS, registry=own)
        self.batches = Histogram("sentiment_batch_texts", "Texts per batch", buckets=(1, 2, 4, 8, 16, 32), registry=own)
        self.waiting = Gauge("sentiment_waiting_texts", "Texts not yet in a batch", registry=own)
        self.model = Info("sentiment_model", "The one that answers new requests", registry=own)

    def answered(self, path: str, status: int | None, seconds: float) -> None:
        """Count a request; its status is None if the client left before it had one."""
        known = path if path in self.paths else "other"
        self._requests.labels(known, status or "left").inc()
        self._seconds.labels(known).observe(seconds)
