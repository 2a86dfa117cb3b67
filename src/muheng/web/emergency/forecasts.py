"""Forecasts between the library's series and the database, and what the rules make of them. Keeps nothing itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any

from django.conf import settings

from muheng.casework.standing import CHINA
from muheng.cities.pack import find_pack
from muheng.documents.diagnostic import format_diagnostics
from muheng.emergency.alert_rules import AlertRules, load_alert_rules
from muheng.emergency.alerts import Current, Judgement, Override, judge
from muheng.emergency.alerts_explanation import judgement_json
from muheng.emergency.forecast import Series, Value
from muheng.web.emergency.models import Alert, AlertStep, Forecast
from muheng.web.reading import language

USUAL_RULES = "CN-2024"
"""What is taken where the city has no rules of its own."""


# -- rules ---------------------------------------------------------------------------------------------


@cache
def city_alert_rules() -> dict[str, AlertRules]:
    """The rule sets that the city may use, its own ones first. Raises ValueError where a file has a mistake."""
    pack = find_pack(settings.CITY)
    found, mistakes = load_alert_rules(pack)
    if any(each.severity == "error" for each in mistakes):
        raise ValueError(format_diagnostics(mistakes))
    own = (
        {path.stem for path in (pack / "emergency" / "alerts").glob("*.toml")} if pack is not None else set()
    )
    order = sorted(found, key=lambda each: (each not in own, each != USUAL_RULES, each))
    return {each: found[each] for each in order}


def rules_on(day: date) -> dict[str, AlertRules]:
    """Those that are in force on a day; the first is the one to take."""
    return {
        key: rules
        for key, rules in city_alert_rules().items()
        if (rules.from_day is None or rules.from_day <= day) and (rules.until is None or day < rules.until)
    }


# -- series --------------------------------------------------------------------------------------------


def keep_series(series: Series) -> dict[str, Any]:
    """A series as the database holds it."""
    return {
        "kind": series.kind,
        "not_forecast": list(series.not_forecast),
        "values": [
            {
                "start": each.start.isoformat(),
                "aqi": each.aqi,
                "primary": None if each.primary is None else list(each.primary),
                "indices": dict(each.indices),
            }
            for each in series.values
        ],
    }


def read_series(forecast: Forecast) -> Series:
    """The series of a forecast."""
    held = forecast.series
    hours = 24 if held["kind"] == "daily" else 1
    values = tuple(
        Value(
            datetime.fromisoformat(each["start"]),
            hours,
            each["aqi"],
            None if each["primary"] is None else tuple(each["primary"]),
            each["indices"],
        )
        for each in held["values"]
    )
    return Series(held["kind"], values, forecast.issued_at, tuple(held["not_forecast"]))


def worst_by_day(held: Mapping[str, Any]) -> Iterator[tuple[date, int | None, str]]:
    """Each day of a kept series: its highest AQI, and of what."""
    days: dict[date, tuple[int | None, str]] = {}
    for each in held.get("values", ()):
        day = datetime.fromisoformat(each["start"]).astimezone(CHINA).date()
        before = days.get(day, (None, ""))
        if day not in days or (each["aqi"] is not None and (before[0] is None or each["aqi"] > before[0])):
            days[day] = (each["aqi"], "、".join(each["primary"] or ()))
    for day, (aqi, primary) in days.items():
        yield day, aqi, primary


# -- judgement -----------------------------------------------------------------------------------------


def judge_forecast(
    series: Series,
    rules: AlertRules,
    now: datetime,
    alert: Alert | None = None,
    override: Override | None = None,
) -> Judgement:
    """What a series asks for. Raises Refusal."""
    return judge(series, rules, now, current_of(alert), override)


def current_of(alert: Alert | None) -> Current | None:
    """The alert in force as the library sees it: its level, and since when."""
    if alert is None or alert.state != Alert.State.ISSUED:
        return None
    changes = (AlertStep.Kind.ISSUED, AlertStep.Kind.RAISED, AlertStep.Kind.LOWERED)
    last = alert.steps.filter(kind__in=changes).last()
    return Current(alert.level, last.at if last is not None else alert.starts_at)  # type: ignore[arg-type]


def keep_judgement(judgement: Judgement) -> dict[str, Any]:
    """A judgement as the database holds it, its sentences in both languages."""
    kept = judgement_json(judgement, "zh")
    return {**kept, "explanation_en": judgement_json(judgement, "en")["explanation"]}


def say_judgement(kept: Mapping[str, Any]) -> list[str]:
    """Its sentences in the reader's language."""
    return list(kept.get("explanation_en" if language() == "en" else "explanation") or ())
