"""What the stations say of the city's air, hour by hour."""

from quanyu.kernel.declare import Measure, indicator
from quanyu.kernel.time import calendar_days, hours

TYPE = "AirQualityObserved"


@indicator(
    measures=[
        Measure(name="pm25_24h", over="history", fold="mean", window=hours(24), type=TYPE, attribute="pm25"),
    ],
    zh="PM2.5 24小时均值",
    en="PM2.5, 24-hour mean",
    unit="GQ",
    owner="ecology.monitoring",
    every=hours(1),
    stale_after=hours(4),
    direction="lower",
    band=(None, "pm25_day_limit"),
    digits=0,
    lasting=hours(6),
    opens="inspect_source",
    vital=1,
)
def pm25_day_mean(pm25_24h: float) -> float:
    """Mean of all stations over 24 hours against the daily limit of class 2."""
    return pm25_24h


@indicator(
    measures=[Measure(name="o3_peak", over="history", fold="max", window=hours(24), type=TYPE, attribute="o3")],
    zh="臭氧24小时内最大小时值",
    en="Ozone, highest hour of 24",
    unit="GQ",
    owner="ecology.monitoring",
    every=hours(1),
    stale_after=hours(4),
    direction="lower",
    band=(None, "o3_hour_limit"),
    digits=0,
    vital=2,
)
def o3_hour_peak(o3_peak: float) -> float:
    """Highest hour of any station within 24 hours against the hourly limit of class 2."""
    return o3_peak


@indicator(
    measures=[
        Measure(name="stations_heard", over="context", fold="count", window=hours(3), type=TYPE, attribute="pm25"),
        Measure(
            name="stations_live", over="context", fold="count", window=calendar_days(7), type=TYPE, attribute="pm25"
        ),
    ],
    zh="监测站在线率",
    en="Stations reporting",
    unit="P1",
    owner="ecology.monitoring",
    every=hours(1),
    stale_after=hours(4),
    direction="higher",
    band=(90, None),
    digits=0,
    vital=3,
)
def stations_reporting(stations_heard: float, stations_live: float) -> float:
    """Stations heard within three hours, of those heard within a week."""
    return 100 * stations_heard / stations_live


@indicator(
    measures=[
        Measure(
            name="stations_heavy",
            over="context",
            fold="count",
            window=hours(3),
            type=TYPE,
            attribute="pm25",
            where="pm25 > 2 * pm25_day_limit",
        ),
    ],
    zh="重污染站点数",
    en="Stations with heavy particles",
    unit="C62",
    owner="ecology.monitoring",
    every=hours(1),
    stale_after=hours(4),
    direction="lower",
    band=(None, 0),
    digits=0,
    vital=4,
)
def stations_over_limit(stations_heavy: float) -> float:
    """Stations whose latest hour is above twice the daily limit: where the source must be found."""
    return stations_heavy
