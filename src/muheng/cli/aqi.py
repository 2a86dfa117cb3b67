"""``muheng aqi``: the air quality index of a day or an hour, by the edition of HJ 633 in force."""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import click

from muheng.cli.answer import Answer, Failure
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, Message, Refusal, say

if TYPE_CHECKING:
    from muheng.standards.air_quality import AirQuality

NEVER = "/"
"""As the standard writes a pollutant that a place never monitored."""
_OPTIONS = (
    ("--pm25", "PM2.5", say("PM2.5，μg/m³。")),
    ("--pm10", "PM10", say("PM10，μg/m³。")),
    ("--so2", "SO2", say("SO2，μg/m³。")),
    ("--no2", "NO2", say("NO2，μg/m³。")),
    ("--co", "CO", say("CO，mg/m³。")),
    ("--o3-8h", "O3-8h", say("O3 日最大8小时平均，μg/m³。")),
    ("--o3", "O3", say("O3 1小时平均，μg/m³；只用于小时值。")),
    ("--o3-1h", "O3-1h", say("O3 日最大1小时平均，μg/m³；只用于 2012 年版 O3 8小时超过 800 时。")),
    ("--so2-24h", "SO2-24h", say("SO2 24小时平均，μg/m³；只用于 2012 年版 SO2 小时值超过 800 时。")),
)


def command(lang: Language) -> click.Command:
    options = [
        option(lang, flag, flag.strip("-").replace("-", "_"), about=about, metavar="NUMBER")
        for flag, _name, about in _OPTIONS
    ]
    return verb(
        "aqi",
        lang,
        say(
            "空气质量指数（AQI）：按日期取 HJ 633 的版本，算出分指数、级别和首要污染物。缺测的不写；从不监测的写 /。"
        ),
        assess_air,
        option(lang, "--date", "on", about=say("哪一天，如 2026-06-01。"), metavar="DATE", required=True),
        *options,
        option(lang, "--hourly", "hourly", about=say("算小时值（实时报）。"), is_flag=True),
    )


def assess_air(on: str, hourly: bool, lang: Language, **given: str | None) -> Answer:
    from muheng.standards.air_quality import assess

    values: dict[str, Decimal | None] = {}
    unmonitored = []
    for flag, name, _about in _OPTIONS:
        text = given[flag.strip("-").replace("-", "_")]
        if text is None:
            continue
        if text.strip() == NEVER:
            unmonitored.append(name)
        else:
            values[name] = _read_number(flag, text)
    if not values:
        raise Failure("data", say("没有写任何浓度。"), say("至少写一项，如 --pm25 82。"))
    try:
        found = assess(_read_date(on), values, "hourly" if hourly else "daily", unmonitored)
    except Refusal as refusal:
        raise Failure("data", refusal.what, refusal.fix) from refusal
    return Answer([line.render(lang) for line in _lines(found)], found.json(lang))


def _lines(found: AirQuality) -> list[Message]:
    if found.aqi is None or found.level is None:
        lines = [say("AQI 不公布：缺 {names}，其余不超过 100。", names="、".join(found.missing))]
    elif found.primary:
        lines = [
            say(
                "AQI {aqi}，{level}，首要污染物 {primary}。",
                aqi=found.aqi,
                level=found.level,
                primary="、".join(found.primary),
            )
        ]
    else:
        lines = [say("AQI {aqi}，{level}，没有首要污染物。", aqi=found.aqi, level=found.level)]
    known = [f"{name} {value}" for name, value in found.iaqi.items() if value is not None]
    lines.append(say("分指数：{parts}", parts="，".join(known)))
    if found.missing and found.aqi is not None:
        lines.append(say("缺 {names}，按其余各项计算。", names="、".join(found.missing)))
    lines.append(say("依据 {standard}。", standard=found.standard))
    return lines


def _read_number(flag: str, text: str) -> Decimal:
    try:
        value = Decimal(unicodedata.normalize("NFKC", text).strip())
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value.adjusted()) > 9:
        raise Failure(
            "data",
            say("{flag} 的“{text}”不是数字。", flag=flag, text=text),
            say("只写数，单位见 muheng aqi --help。"),
        )
    return value


def _read_date(text: str) -> date:
    try:
        return date.fromisoformat(unicodedata.normalize("NFKC", text).strip())
    except ValueError:
        raise Failure("data", say("“{text}”不是日期。", text=text), say("写作 2026-06-01。")) from None
