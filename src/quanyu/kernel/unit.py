"""Units that a city measures in, by UN/CEFACT Recommendation 20 common code, with exact conversion."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import pi
from typing import Final, Literal

from quanyu.kernel.errors import Invalid, Missing
from quanyu.kernel.status import Status


@dataclass(frozen=True, slots=True)
class Unit:
    """A common code; ``factor`` and ``offset`` lead to the base unit of the dimension: base = value · factor + offset.

    Verified means that code, name and factor were compared with the published code list.
    """

    code: str
    symbol: str
    zh: str
    en: str
    dimension: str
    factor: Fraction
    offset: Fraction = Fraction(0)
    status: Status = "verified"


# code symbol zh en factor [offset]; names use _ for a space. The base unit of a dimension has factor 1.
_TABLE: Final = {
    "one": """
        C62 1 个 one 1
        P1 % 百分之 percent 1/100
        NX ‰ 千分之 per_mille 1/1000
        59 ppm 百万分之 part_per_million 1e-6
        61 ppb 十亿分之 part_per_billion 1e-9
    """,
    "count": """
        H87 件 件 piece 1
    """,
    "people": """
        IE 人 人 person 1
    """,
    "length": """
        MTR m 米 metre 1
        KMT km 千米 kilometre 1000
        CMT cm 厘米 centimetre 1/100
        MMT mm 毫米 millimetre 1/1000
        4H µm 微米 micrometre 1e-6
    """,
    "area": """
        MTK m² 平方米 square_metre 1
        KMK km² 平方千米 square_kilometre 1e6
        H18 hm² 公顷 square_hectometre 1e4
        HAR ha 公顷 hectare 1e4
    """,
    "volume": """
        MTQ m³ 立方米 cubic_metre 1
        LTR L 升 litre 1/1000
        MLT mL 毫升 millilitre 1e-6
    """,
    "mass": """
        KGM kg 千克 kilogram 1
        GRM g 克 gram 1/1000
        MGM mg 毫克 milligram 1e-6
        MC µg 微克 microgram 1e-9
        TNE t 吨 tonne 1000
    """,
    "mass_concentration": """
        KMQ kg/m³ 千克每立方米 kilogram_per_cubic_metre 1
        GP mg/m³ 毫克每立方米 milligram_per_cubic_metre 1e-6
        GQ µg/m³ 微克每立方米 microgram_per_cubic_metre 1e-9
        M1 mg/L 毫克每升 milligram_per_litre 1/1000
    """,
    "time": """
        SEC s 秒 second 1
        C26 ms 毫秒 millisecond 1/1000
        MIN min 分钟 minute 60
        HUR h 小时 hour 3600
        DAY d 天 day 86400
        WEE wk 周 week 604800
    """,
    # Calendar words have no fixed number of seconds, so they convert only into one another.
    "calendar": """
        MON mo 个月 month 1
        ANN a 年 year 12
    """,
    "speed": """
        MTS m/s 米每秒 metre_per_second 1
        KMH km/h 千米每小时 kilometre_per_hour 1000/3600
        C16 mm/s 毫米每秒 millimetre_per_second 1/1000
        H67 mm/h 毫米每小时 millimetre_per_hour 1/3600000
    """,
    "acceleration": """
        MSK m/s² 米每二次方秒 metre_per_second_squared 1
    """,
    "volume_flow": """
        MQS m³/s 立方米每秒 cubic_metre_per_second 1
        MQH m³/h 立方米每小时 cubic_metre_per_hour 1/3600
        G51 L/s 升每秒 litre_per_second 1/1000
        L2 L/min 升每分钟 litre_per_minute 1/60000
    """,
    "temperature": """
        KEL K 开尔文 kelvin 1
        CEL °C 摄氏度 degree_Celsius 1 27315/100
        FAH °F 华氏度 degree_Fahrenheit 5/9 45967/180
    """,
    "pressure": """
        PAL Pa 帕 pascal 1
        A97 hPa 百帕 hectopascal 100
        KPA kPa 千帕 kilopascal 1000
        MPA MPa 兆帕 megapascal 1e6
        MBR mbar 毫巴 millibar 100
        BAR bar 巴 bar 1e5
    """,
    "energy": """
        JOU J 焦 joule 1
        KJO kJ 千焦 kilojoule 1000
        3B MJ 兆焦 megajoule 1e6
        GV GJ 吉焦 gigajoule 1e9
        WHR W·h 瓦时 watt_hour 3600
        KWH kW·h 千瓦时 kilowatt_hour 36e5
        MWH MW·h 兆瓦时 megawatt_hour 36e8
        GWH GW·h 吉瓦时 gigawatt_hour 36e11
    """,
    "power": """
        WTT W 瓦 watt 1
        KWT kW 千瓦 kilowatt 1000
        MAW MW 兆瓦 megawatt 1e6
        A90 GW 吉瓦 gigawatt 1e9
    """,
    "apparent_power": """
        KVA kV·A 千伏安 kilovolt_ampere 1
    """,
    "reactive_power": """
        KVR kvar 千乏 kilovar 1
    """,
    "irradiance": """
        D54 W/m² 瓦每平方米 watt_per_square_metre 1
    """,
    "voltage": """
        VLT V 伏 volt 1
    """,
    "current": """
        AMP A 安 ampere 1
        4K mA 毫安 milliampere 1/1000
    """,
    "frequency": """
        HTZ Hz 赫 hertz 1
        KHZ kHz 千赫 kilohertz 1000
        MHZ MHz 兆赫 megahertz 1e6
        A86 GHz 吉赫 gigahertz 1e9
    """,
    "level": """
        2N dB 分贝 decibel 1
    """,
    "illuminance": """
        LUX lx 勒克斯 lux 1
    """,
    "luminous_flux": """
        LUM lm 流明 lumen 1
    """,
    "conductivity": """
        D10 S/m 西门子每米 siemens_per_metre 1
        H61 mS/cm 毫西门子每厘米 millisiemens_per_centimetre 1/10
        G42 µS/cm 微西门子每厘米 microsiemens_per_centimetre 1e-4
    """,
    "acidity": """
        Q30 pH 酸碱度 pH 1
    """,
    "information": """
        A99 bit 比特 bit 1
        AD B 字节 byte 8
        2P kB 千字节 kilobyte 8e3
        4L MB 兆字节 megabyte 8e6
        E34 GB 吉字节 gigabyte 8e9
        E35 TB 太字节 terabyte 8e12
        E36 PB 拍字节 petabyte 8e15
    """,
    "data_rate": """
        E20 Mbit/s 兆比特每秒 megabit_per_second 1
        B80 Gbit/s 吉比特每秒 gigabit_per_second 1000
    """,
}
_MISTAKEN: Final = {
    "HPA": "HPA is the hectolitre of pure alcohol; write A97 for the hectopascal",
}


def _read_table() -> dict[str, Unit]:
    units = {
        "DD": Unit("DD", "°", "度", "degree", "angle", Fraction(1)),
        "C81": Unit("C81", "rad", "弧度", "radian", "angle", Fraction(180 / pi)),
    }
    for dimension, rows in _TABLE.items():
        for row in rows.strip().splitlines():
            code, symbol, zh, en, *numbers = row.split()
            scale = [Fraction(number) for number in numbers]
            offset = scale[1] if len(scale) > 1 else Fraction(0)
            units[code] = Unit(code, symbol, zh, en.replace("_", " "), dimension, scale[0], offset)
    return units


UNITS: Final = _read_table()


def find_unit(code: str) -> Unit | None:
    """Look a common code up; None for codes that the table does not hold."""
    return UNITS.get(code)


def get_unit(code: str) -> Unit:
    """Look a common code up; raises Missing (unit.unknown), with a hint for codes that are often mistaken."""
    if unit := UNITS.get(code):
        return unit
    raise Missing(
        f"unit {code!r} is not in the table",
        code="unit.unknown",
        remedy=_MISTAKEN.get(code, "write a common code of UN/CEFACT Recommendation 20, such as GQ or CEL"),
    )


def symbol(code: str, language: Literal["zh", "en"] = "en") -> str:
    """Give what stands behind a number on a screen; nothing behind a plain count (C62).

    Months and years are written out: their symbols are read by few.
    """
    unit = get_unit(code)
    if unit.dimension == "calendar":
        return unit.zh if language == "zh" else f"{unit.en}s"
    if unit.dimension in ("one", "count", "people") and unit.factor == 1:
        return {"C62": ""}.get(code, unit.zh if language == "zh" else unit.en)
    return unit.symbol


def convert(value: float, source: str, target: str) -> float:
    """Convert between common codes of one dimension; raises Invalid (unit.dimension) between different ones."""
    if source == target:
        get_unit(source)
        return value
    factor, shift = _steps(source, target)
    return value * factor.numerator / factor.denominator + shift


@lru_cache(maxsize=1024)
def _steps(source: str, target: str) -> tuple[Fraction, float]:
    have, want = get_unit(source), get_unit(target)
    if have.dimension != want.dimension:
        raise Invalid(
            f"unit {source} measures {have.dimension} and cannot become {target}, which measures {want.dimension}",
            code="unit.dimension",
        )
    return have.factor / want.factor, float((have.offset - want.offset) / want.factor)
