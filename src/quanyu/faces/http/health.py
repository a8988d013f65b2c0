"""Is it alive, is it ready, how does it do: for supervisors, load balancers and Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from quanyu.faces.http import problem
from quanyu.faces.http.route import PUBLIC, Ask, Route
from quanyu.kernel.errors import Unavailable

if TYPE_CHECKING:
    from prometheus_client.core import Metric

LAG_MAX = 50_000
clients: set[int] = set()
"""Identities of the open event streams of this process."""


def alive(ask: Ask) -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


def faults(health: dict[str, Any]) -> list[str]:
    """Return why the hub is not ready: a reader that fails or lags, or a full disk."""
    found = ["the disk of the home is nearly full"] if health.get("disk_low") else []
    for name, reader in health.get("readers", {}).items():
        if reader.get("fault"):
            found.append(f"reader {name} fails")
        elif reader.get("lag", 0) > LAG_MAX:
            found.append(f"reader {name} lags by {reader['lag']} records")
    return found


def ready(ask: Ask) -> dict[str, Any]:
    """The hub takes commits and its readers keep up; 503 with the reasons otherwise."""
    health = ask.hub.health()
    found = faults(health)
    if found:
        raise Unavailable(
            f"The hub is not ready: {'; '.join(found)}.",
            code="hub.not_ready",
            remedy="See GET /api/v1/health and the log.",
            retry_after_s=10,
        )
    return {"status": "ready", "warnings": health.get("warnings", [])}


def health(ask: Ask) -> dict[str, Any]:
    """What an operator looks at first: journal, queue, readers, streams."""
    found = ask.hub.health()
    return {**found, "event_streams": len(clients), "not_ready": faults(found)}


def metrics(ask: Ask) -> Response:
    """Metrics in the Prometheus text format."""
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(ask.hub.health()))
    return Response(generate_latest(registry), 200, {"Cache-Control": "no-store"}, CONTENT_TYPE_LATEST)


class _Collector:
    """Turns what the hub says of itself into metrics at the moment of a scrape."""

    def __init__(self, found: dict[str, Any]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        """Yield the metric families."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        found = self._found
        yield CounterMetricFamily("quanyu_commit_calls", "Calls of commit.", found.get("calls", 0))
        yield CounterMetricFamily("quanyu_commit_groups", "Groups that shared a sync.", found.get("groups", 0))
        yield GaugeMetricFamily("quanyu_journal_seq", "Seq of the last record.", found.get("seq", 0))
        yield GaugeMetricFamily("quanyu_commit_queue", "Calls waiting for the writer.", found.get("queued", 0))
        yield GaugeMetricFamily("quanyu_event_streams", "Open event streams.", len(clients))
        lag = GaugeMetricFamily("quanyu_reader_lag", "Records that a reader has not seen.", labels=["reader"])
        bad = GaugeMetricFamily("quanyu_reader_quarantined", "Records set aside.", labels=["reader"])
        for name, reader in found.get("readers", {}).items():
            lag.add_metric([name], reader.get("lag", 0))
            bad.add_metric([name], reader.get("quarantined", 0))
        yield lag
        told = GaugeMetricFamily("quanyu_notifications", "Notifications of subscriptions, by state.", labels=["state"])
        for state, count in found.get("deliveries", {}).items():
            told.add_metric([state], count)
        yield told
        yield bad
        yield from _devices(found.get("devices", {}))
        problems = CounterMetricFamily("quanyu_problems", "Problems answered, by code.", labels=["code"])
        for code, count in problem.counts.items():
            problems.add_metric([code], count)
        yield problems


def _devices(found: dict[str, dict[str, Any]]) -> Iterable[Metric]:
    """Yield how the sources of measured values do."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    gauges = {"up": "1 when the source is connected.", "waiting": "Messages that are not yet committed."}
    counters = {
        "received": "Messages that came.",
        "observations": "Values taken.",
        "dropped": "Messages lost because the queue was full (QoS 0).",
        "dead": "Messages that could not be taken.",
    }
    for name, says in (gauges | counters).items():
        kind = GaugeMetricFamily if name in gauges else CounterMetricFamily
        family = kind(f"quanyu_device_{name}", says, labels=["source"])
        for source, gauge in found.items():
            family.add_metric([source], gauge[name])
        yield family


ROUTES = (
    Route(method="GET", path="/healthz", permission=PUBLIC, handle=alive, summary="The process answers"),
    Route(method="GET", path="/readyz", permission=PUBLIC, handle=ready, summary="The hub is ready"),
    Route(method="GET", path="/metrics", permission="view:health", handle=metrics, summary="Metrics"),
    Route(method="GET", path="/api/v1/health", permission="view:health", handle=health, summary="Health"),
)  # fmt: skip
