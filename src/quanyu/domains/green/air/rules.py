"""Air-quality rules: limits of the hour, and sensors that stand still or fall silent."""

from quanyu.kernel.declare import rule
from quanyu.kernel.time import hours


@rule(
    on="AirQualityObserved.pm25",
    lasting=hours(1),
    max_gap=hours(3),
    clears=0.8,
    severity="orange",
    opens="inspect_source",
    zh="细颗粒物浓度过高",
    en="Heavy fine particles",
)
def heavy_particles(pm25: float, pm25_day_limit: float) -> bool:
    """Twice the daily limit for an hour: find the source before the day is lost."""
    return pm25 > 2 * pm25_day_limit


@rule(
    on="AirQualityObserved.o3",
    max_gap=hours(3),
    clears=0.9,
    severity="yellow",
    opens="inspect_source",
    zh="臭氧小时浓度超标",
    en="Ozone above the hourly limit",
)
def ozone_hour(o3: float, o3_hour_limit: float) -> bool:
    """An hour above the class 2 limit: look for solvents and exhaust upwind while the sun stands."""
    return o3 > o3_hour_limit


@rule(
    on="AirQualityObserved.no2",
    max_gap=hours(3),
    clears=0.9,
    severity="yellow",
    opens="inspect_source",
    zh="二氧化氮小时浓度超标",
    en="Nitrogen dioxide above the hourly limit",
)
def nitrogen_dioxide_hour(no2: float, no2_hour_limit: float) -> bool:
    """An hour above the class 2 limit: traffic or a boiler near the station."""
    return no2 > no2_hour_limit


@rule(
    on="AirQualityObserved.so2",
    max_gap=hours(3),
    clears=0.9,
    severity="orange",
    opens="inspect_source",
    zh="二氧化硫小时浓度超标",
    en="Sulphur dioxide above the hourly limit",
)
def sulphur_dioxide_hour(so2: float, so2_hour_limit: float) -> bool:
    """An hour above the class 2 limit: somebody burns coal or runs without desulphurisation."""
    return so2 > so2_hour_limit


@rule(
    on="AirQualityObserved.pm25",
    unchanged=hours(18),
    severity="info",
    opens="mend_station",
    zh="监测数据长时间不变",
    en="Sensor stands still",
)
def stuck_sensor(pm25: float) -> bool:
    """The same value for 18 hours: real air moves (the 12 real sites stood still so long five times in three years)."""
    return pm25 >= 0


@rule(
    on="AirQualityObserved.pm25",
    absent=hours(6),
    severity="info",
    opens="mend_station",
    zh="监测数据中断",
    en="Station fell silent",
)
def silent_station(pm25: float) -> bool:
    """No value for six hours: whoever runs the station must look."""
    return pm25 >= 0
