"""How enterprises are served and watched, at a glance: demands of the year, visits of the period, money granted and lent,
outlets over their limits now.

Figures are the rooms' own; nobody is shown what they could not see there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.casework.figures import Figures, spell
from muheng.casework.period import add_months
from muheng.matching.money import show_money
from muheng.web.casework import measures
from muheng.web.casework.measures import Cut, InHand
from muheng.web.casework.models import Case
from muheng.web.casework.queries import VIEW
from muheng.web.charts import Chart, Series
from muheng.web.emergency.queries import alerts as emergency
from muheng.web.liaison import queries as liaison
from muheng.web.matching import figures as matching
from muheng.web.matching import queries as needs
from muheng.web.matching.figures import LedgerRow, Span
from muheng.web.monitoring.models import Tier
from muheng.web.monitoring.queries import board
from muheng.web.monitoring.queries import scope as watched
from muheng.web.monitoring.queries.events import count_events
from muheng.web.people.models import User
from muheng.web.people.rights import holds
from muheng.web.reading import language
from muheng.web.templatetags.words import day

DEMAND = "demand"
_MONTHS = 12


@dataclass(frozen=True)
class Number:
    """A figure as it is read, what it is of, where its rows are; ``wrong``: it ought to be none."""

    value: str
    about: str
    href: str = ""
    wrong: bool = False


@dataclass(frozen=True)
class Card:
    """A room's figures that matter."""

    title: str
    href: str
    numbers: tuple[Number, ...]
    chart: Chart | None = None


def show_service(user: User) -> list[Card]:
    """The cards that a person has figures for."""
    cards = (_air(user), _outlets(user), _demands(user), _visits(user), _money(user))
    return [card for card in cards if card is not None]


def _air(user: User) -> Card | None:
    """The alert in force, and how far its orders are carried out."""
    place = emergency.alert_place(user)
    alert = emergency.live_alert(place) if place is not None else None
    if alert is None:
        return None
    page = reverse("emergency:alert", args=[alert.pk])
    title = _("%(level)s预警（%(state)s）") % {
        "level": alert.get_level_display(),
        "state": alert.get_state_display(),
    }
    done = emergency.count_execution(emergency.orders_of(user, alert))
    if done.rate is None:
        return Card(title, page, (Number(day(alert.starts_at), _("开始"), page),))
    orders = reverse("emergency:orders", args=[alert.pk])
    return Card(
        title,
        page,
        (
            Number(f"{round(done.rate * 1000) / 10:g}%", _("执行率"), page),
            Number(f"{done.silent:,}", _("家没有确认"), f"{orders}?state=silent", done.silent > 0),
            Number(f"{done.broken:,}", _("条生产线不到位"), f"{orders}?state=broken", done.broken > 0),
        ),
    )


def _outlets(user: User) -> Card | None:
    """What the watched outlets emit now, and what is not settled there."""
    if not holds(user, watched.VIEW):
        return None
    now = timezone.now()
    counts = board.count_states(user, now)
    if not counts["all"]:
        return None
    found = count_events(user, now)
    live, inbox = reverse("monitoring:home"), reverse("monitoring:events")
    grave = found.get(Tier.SUPERVISE, 0)
    return Card(
        _("自动监控"),
        live,
        (
            Number(f"{counts['over']:,}", _("现在超限"), f"{live}?state=over", counts["over"] > 0),
            Number(f"{counts['online']:,} / {counts['all']:,}", _("在线"), f"{live}?state=online"),
            Number(f"{found['live']:,}", _("未办结事件"), inbox),
            Number(f"{grave:,}", _("督办"), f"{inbox}?tier=supervise", grave > 0),
        ),
    )


def _demands(user: User) -> Card | None:
    if not holds(user, VIEW) or not Case.objects.filter(type=DEMAND).exists():
        return None
    today = timezone.localdate()
    cut, sight = Cut((DEMAND,)), measures.sight_of(user)
    first = today.replace(month=1, day=1)
    whole = measures.measure("whole", cut, sight, first, today, today).get(None, Figures())
    hand = measures.count_in_hand("whole", cut, sight, today).get(None, InHand())
    page = reverse("casework:measures")
    inbox = reverse("casework:measured")
    asked = f"type={DEMAND}&span=year&day={today.isoformat()}"
    return Card(
        _("企业诉求"),
        f"{page}?{asked}",
        (
            Number(f"{whole.closed:,}", _("今年办结"), f"{inbox}?{asked}&figure=closed"),
            Number(spell("on_time", whole.value("on_time")), _("按时办结率")),
            Number(f"{hand.open:,}", _("现在在办"), f"{inbox}?{asked}&figure=open"),
            Number(f"{hand.overdue:,}", _("现在超期"), f"{inbox}?{asked}&figure=overdue", hand.overdue > 0),
        ),
        _chart_months(cut, sight, today),
    )


def _chart_months(cut: Cut, sight: measures.Sight, today: date) -> Chart:
    months = [add_months(today.replace(day=1), -back) for back in reversed(range(_MONTHS))]
    found = measures.measure("month", cut, sight, months[0], today, today, opened=False)
    closed = [found.get(month, Figures()) for month in months]
    return Chart(
        "demands-by-month",
        _("十二个月办结件数"),
        _("月份"),
        [f"{month:%Y-%m}" for month in months],
        (
            Series(_("按时"), [each.closed - each.late for each in closed], "accent"),
            Series(_("超期"), [each.late for each in closed], "warn"),
        ),
        stacked=True,
        unit=_("件"),
    )


def _visits(user: User) -> Card | None:
    if not holds(user, liaison.VIEW):
        return None
    owed = liaison.reckon_all(liaison.live(liaison.pairings_for(user)), timezone.localdate(), counted=False)
    if not owed:
        return None
    late = sum(each.duty.urgency == "overdue" for each in owed)
    visited = sum(not each.duty.to_visit for each in owed)
    page = reverse("liaison:list")
    return Card(
        _("结对走访"),
        page,
        (
            Number(f"{len(owed):,}", _("结对企业"), page),
            Number(f"{visited:,}", _("本期已走访")),
            Number(f"{late:,}", _("逾期未走访"), reverse("liaison:overdue"), late > 0),
        ),
    )


def _money(user: User) -> Card | None:
    if not holds(user, needs.VIEW):
        return None
    total = matching.totals(user, Span())
    if not total.firms:
        return None
    return Card(
        _("授信和放款"),
        reverse("matching:figures"),
        tuple(_sums(total)),
    )


def _sums(total: LedgerRow) -> Iterator[Number]:
    yield Number(show_money(total.granted, language()), _("累计授信"), reverse("matching:credits"))
    yield Number(show_money(total.lent, language()), _("累计放款"))
    yield Number(f"{total.firms:,}", _("授信企业"))
