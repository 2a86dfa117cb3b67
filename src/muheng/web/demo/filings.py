"""Two years of monthly filings: the older ones taken over, the newest through the forms, two of them odd and explained."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from muheng.cities.demo import DemoRegistry
from muheng.web.demo.days import moment, working_day_of
from muheng.web.demo.persons import Owners, People, entrust
from muheng.web.filing import actions
from muheng.web.filing.entries import stored
from muheng.web.filing.items import form
from muheng.web.filing.models import Filing
from muheng.web.filing.months import Month, month_of, newest_month
from muheng.web.people.models import User
from muheng.web.registry.models import Enterprise

_CODE, _MONTH = "统一社会信用代码", "月份"
_BY_FORM = 2  # months that go through the forms
_SILENT = 4  # of the newest month, besides the demo's own enterprise
_REASONS = {"错位十倍": "新投产一条生产线，用电增加。", "超许可量": "年度检修集中清理贮存库，一次转移。"}
Figures = dict[Month, dict[str, Decimal]]


def take_filings(people: People, registry: DemoRegistry, owners: Owners) -> None:
    """Who files since when; every month up to the newest that has ended."""
    by_code = _read(registry)
    enterprises = {each.code: each for each in Enterprise.objects.filter(code__in=by_code)}
    first = min(min(months) for months in by_code.values())
    actions.oblige(people.clerk, enterprises.values(), first.first)
    entrusted = [
        each for each in enterprises.values() if each not in (owners.enterprise, owners.second_enterprise)
    ]
    entrust(people, owners.agent, entrusted)
    newest = newest_month()
    odd = {(each.code, month_of(each.month)): _REASONS[each.kind] for each in registry.anomalies}
    by_form = {newest.shift(-back) for back in range(_BY_FORM)} | {
        when for _code, when in odd if when <= newest
    }
    past = {
        (enterprises[code], when): figures
        for code, months in by_code.items()
        for when, figures in months.items()
        if when <= newest
        and (when not in by_form or (when < newest.shift(1 - _BY_FORM) and (code, when) not in odd))
    }
    actions.take_past(people.clerk, past, at=moment(newest.shift(-_BY_FORM).deadline.due))
    silent = {each.code for each in entrusted[:: max(1, len(entrusted) // _SILENT)][:_SILENT]}
    account = {each.code: owners.agent for each in entrusted} | {
        owners.enterprise.code: owners.owner,
        owners.second_enterprise.code: owners.second_owner,
    }
    for when in sorted(by_form):
        left_out = {*silent, owners.enterprise.code} if when == newest else set()
        _file_month(when, by_code, enterprises, account, odd, left_out)
        if when < newest:
            actions.accept_unflagged(people.clerk, when, at=moment(when.deadline.due, 17))
    _review_newest(people, newest, [each for each in entrusted if each.code not in silent])


def _file_month(
    when: Month,
    by_code: Mapping[str, Figures],
    enterprises: Mapping[str, Enterprise],
    account: Mapping[str, User],
    odd: Mapping[tuple[str, Month], str],
    left_out: set[str],
) -> None:
    """Everyone hands the month in, some on the last day, one after it; whoever is questioned says why."""
    # A month that was taken over already is left.
    taken = set(
        Enterprise.objects.filter(filings__year=when.year, filings__month=when.month).values_list(
            "code", flat=True
        )
    )
    for at, code in enumerate(sorted(by_code)):
        figures = by_code[code].get(when)
        if figures is None or code in taken or code in left_out:
            continue
        day = working_day_of(when.shift(1).first, 2 + at % (form().working_days - 1))
        if at == 5:
            day = working_day_of(when.shift(1).first, form().working_days + 1)
        typed = stored(figures)
        why = next((reason for (whose, _when), reason in odd.items() if whose == code), "")
        reasons = dict.fromkeys(typed, why) if why else {}
        actions.submit(account[code], enterprises[code], when, typed, reasons, at=moment(day, 9 + at % 8))


def _review_newest(people: People, newest: Month, filed: list[Enterprise]) -> None:
    """The first few of the newest month are checked, one is sent back, the rest wait."""
    waiting = Filing.objects.filter(
        year=newest.year,
        month=newest.month,
        state=Filing.State.SUBMITTED,
        flagged=False,
        enterprise__in=filed,
    ).order_by("submitted_at")
    day = working_day_of(newest.shift(1).first, form().working_days)
    numbers = list(waiting.values_list("pk", flat=True)[:12])
    for number in numbers[1:]:
        actions.accept(people.clerk, number, at=moment(day, 15))
    for number in numbers[:1]:
        actions.send_back(
            people.clerk, number, "用水量请按水费单的抄表月份填报，核对后重报。", at=moment(day, 15, 30)
        )


def _read(registry: DemoRegistry) -> dict[str, Figures]:
    """The figures by enterprise and month. For months beyond the demo's own, those of the same month before."""
    found: dict[str, Figures] = {}
    for row in registry.monthly.iter_rows(named=True):
        when = month_of(row[_MONTH])
        found.setdefault(row[_CODE], {})[when] = {
            name: row[name] for name in form().items if row[name] is not None
        }
    odd = {(each.code, month_of(each.month)): each for each in registry.anomalies}
    for code, months in found.items():
        last = max(months)
        for when in last.shift(1).until(newest_month()):
            source = when.shift(-12)
            figures = dict(months[source])
            if (code, source) in odd:
                figures[odd[code, source].item] = odd[code, source].right
            months[when] = figures
    return found
