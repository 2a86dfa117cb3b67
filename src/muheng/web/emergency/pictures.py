"""What the pages of alerts draw: the days of a forecast against the lines of the rules, execution, the map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from muheng.reports.episode import Episode
from muheng.web.charts import Chart, Series
from muheng.web.emergency.forecasts import worst_by_day
from muheng.web.emergency.models import Order
from muheng.web.emergency.queries.alerts import Execution, state_of
from muheng.web.people.models import Organisation
from muheng.web.registry.maps import ground

LINES = (150, 200, 300)
"""Of the daily AQI, above which the rules count."""
TONES = {"broken": "wrong", "silent": "warn", "open": "B", "done": "A"}


def draw_days(held: Mapping[str, Any], recorded: Mapping[str, int] | None = None) -> Chart:
    """The AQI of the days, with the lines of the rules."""
    days = list(worst_by_day(held))
    series = [
        Series(
            _("预报日AQI"),
            [aqi for _day, aqi, _primary in days],
            "accent",
            lines={str(each): each for each in LINES},
        )
    ]
    if recorded:
        series.append(Series(_("实况日AQI"), [recorded.get(day.isoformat()) for day, *_rest in days], "D"))
    named = [f"{day.month}-{day.day}" + (f" {primary}" if primary else "") for day, _aqi, primary in days]
    return Chart("air-days", _("日AQI"), _("日期"), named, tuple(series), kind="columns")


def draw_episode(episode: Episode) -> Chart:
    """Forecast beside what was recorded."""
    return Chart(
        "episode-days",
        _("日AQI：预报和实况"),
        _("日期"),
        [f"{day.on.month}-{day.on.day}" for day in episode.days],
        (
            Series(
                _("预报日AQI"),
                [day.forecast for day in episode.days],
                "soft",
                lines={str(each): each for each in LINES},
            ),
            Series(_("实况日AQI"), [day.recorded for day in episode.days], "accent"),
        ),
    )


def draw_counties(rows: Sequence[tuple[Organisation | None, Execution]]) -> Chart:
    """Lines by county: in place, not shown, not in place."""
    return Chart(
        "by-county",
        _("各县区生产线"),
        _("县区"),
        [place.title if place is not None else _("未定县区") for place, _each in rows],
        (
            Series(_("措施到位"), [each.done for _place, each in rows], "A"),
            Series(_("没有凭证"), [each.open for _place, each in rows], "none"),
            Series(_("措施不到位"), [each.broken for _place, each in rows], "D"),
        ),
        kind="bars",
        stacked=True,
        unit=_("条"),
    )


def draw_map(orders: Iterable[Order]) -> dict[str, Any]:
    """Enterprises where they stand, coloured by how their order stands; who has no place is not on it."""
    features = []
    names = state_names()
    for order in orders:
        where = order.enterprise
        if where is None or where.longitude is None or where.latitude is None:
            continue
        state = state_of(order)
        note = _("%(state)s：%(done)s / %(lines)s 条到位") % {
            "state": names[state],
            "done": order.done_lines,
            "lines": order.lines,
        }
        features.append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [where.longitude, where.latitude]},
                "properties": {
                    "title": order.firm.name,
                    "href": reverse("emergency:order", args=[order.pk]),
                    "note": note,
                    "tone": TONES[state],
                },
            }
        )
    return {"type": "FeatureCollection", "features": [*ground(), *features]}


def state_names() -> dict[str, str]:
    """How an order stands, in words."""
    return {
        "broken": _("措施不到位"),
        "silent": _("没有确认"),
        "open": _("已确认，未全部到位"),
        "done": _("全部到位"),
    }
