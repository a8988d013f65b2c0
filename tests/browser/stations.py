"""A station that a test brings along, so that the demo's own stations do not speak over it."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.browser.serving import Server

HEAVY = 1_500.0
CLEAN = 20.0


def put_station(server: Server, name: str) -> str:
    """Make an air station in Haidian; its id."""
    id = f"urn:ngsi-ld:AirQualityObserved:{name}"
    document = {
        "id": id,
        "type": "AirQualityObserved",
        "name": {"type": "Property", "value": {"zh": f"校园楼顶站 {name}", "en": f"School roof {name}"}},
        "district": {"type": "Property", "value": "110108"},
        "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [116.30, 39.96]}},
    }
    server.ask("POST", "/api/v1/entities", json=document)
    return id


def last_hours(server: Server, count: int) -> list[datetime]:
    """Return the full hours of city time up to now, oldest first."""
    now = datetime.fromisoformat(server.now()).replace(minute=0, second=0, microsecond=0)
    return [now - timedelta(hours=back) for back in range(count - 1, -1, -1)]


def report_dust(server: Server, station: str, hours: list[datetime], value: float) -> None:
    """Send one PM2.5 value for each hour; an hour that was sent before is corrected by it."""
    rows = [{"entity": station, "attribute": "pm25", "observedAt": hour.isoformat(), "value": value} for hour in hours]
    server.ask("POST", "/api/v1/observations", json={"items": rows})
