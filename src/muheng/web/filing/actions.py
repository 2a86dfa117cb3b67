"""What is done with monthly filings: an enterprise saves and submits, an official accepts or returns.

Registry's figures of the month follow: filed when submitted, returned or checked as the official decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.web.audit.actions import record
from muheng.web.filing.checks import Finding, check, needing_reason
from muheng.web.filing.entries import Entries, read_entries, stored
from muheng.web.filing.items import form
from muheng.web.filing.models import Duty, Filing, Step
from muheng.web.filing.months import Month, newest_month
from muheng.web.filing.queries import RIGHT, month_duties, own_enterprises, past_of
from muheng.web.filing.wording import item_title, sentence
from muheng.web.people.rights import require
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise, MonthlyFigure
from muheng.web.registry.queries import official_scope

SOURCE = "企业填报"
_CHUNK = 500


class Questioned(Refused):
    """Figures that cannot be filed as they are. ``findings``: what was found, for the form that asked."""

    def __init__(self, what: str, fix: str, findings: list[Finding]) -> None:
        super().__init__(what, fix, status=422, code="invalid", at=findings[0].item if findings else "")
        self.findings = findings

    def body(self) -> dict[str, Any]:
        body = super().body()
        body["error"]["findings"] = [sentence(each.stored()) for each in self.findings]  # type: ignore[index]
        return body


# -- who files ------------------------------------------------------------------------------------------


@transaction.atomic
def oblige(actor: Any, enterprises: Iterable[Enterprise], since: date) -> int:
    """These enterprises file from a month on; gives how many did not before."""
    require(actor, RIGHT)
    scope = official_scope(actor, RIGHT)
    made = 0
    for enterprise in enterprises:
        _hold_in_scope(scope, enterprise)
        duty, new = Duty.objects.get_or_create(
            enterprise=enterprise, defaults={"since": since.replace(day=1)}
        )
        if not new and duty.until is not None:
            Duty.objects.filter(pk=duty.pk).update(until=None)
            new = True
        if new:
            record(actor, "filing.oblige", duty, since=since.isoformat())
            made += 1
    return made


@transaction.atomic
def release(actor: Any, enterprise: Enterprise, until: date) -> None:
    """An enterprise no longer files, from the month of ``until`` on."""
    require(actor, RIGHT)
    _hold_in_scope(official_scope(actor, RIGHT), enterprise)
    duty = Duty.objects.filter(enterprise=enterprise).first()
    if duty is None:
        raise Refused(_("%(name)s不在月度填报范围内。") % {"name": enterprise.name})
    last = Filing.objects.filter(enterprise=enterprise).exclude(state=Filing.State.DRAFT).first()
    if last is not None and last.when.first >= until.replace(day=1):
        raise Refused(
            _("%(name)s已经填报了%(month)s。") % {"name": enterprise.name, "month": last.when.title},
            _("最早从下一个月起不再填报。"),
        )
    Duty.objects.filter(pk=duty.pk).update(until=until.replace(day=1))
    record(actor, "filing.release", duty, until=until.isoformat())


def _hold_in_scope(scope: Any, enterprise: Enterprise) -> None:
    if not scope.everything and not scope.filter(Enterprise.objects.filter(pk=enterprise.pk)).exists():
        raise _unknown()


def _unknown() -> Refused:
    return Refused(_("没有找到。"), status=404, code="not_found")


# -- the enterprise ---------------------------------------------------------------------------------------


def examine(enterprise: Enterprise, when: Month, typed: Mapping[str, str]) -> tuple[Entries, list[Finding]]:
    """What is odd in figures as they are typed; changes nothing. A blank is no finding yet."""
    entries = read_entries(typed)
    found = check(entries.figures, when, past_of(enterprise, when), form())
    return entries, _sort([*entries.wrong, *(each for each in found if each.kind != "missing")])


@transaction.atomic
def save_draft(
    actor: Any,
    enterprise: Enterprise,
    when: Month,
    typed: Mapping[str, str],
    reasons: Mapping[str, str] | None = None,
    *,
    version: int | None = None,
    at: datetime | None = None,
) -> Filing:
    """Keep what was typed so far. ``version``: the one that the person saw; another's change in between is told.

    Raises Questioned for what is no number; nothing is kept then.
    """
    filing = _open(actor, enterprise, when, version)
    entries, found = examine(enterprise, when, typed)
    if entries.wrong:
        raise _unreadable(entries.wrong)
    state = Filing.State.RETURNED if filing.state == Filing.State.RETURNED else Filing.State.DRAFT
    _keep(filing, entries.figures, reasons or {}, found, state=state, flagged=False)
    _step(filing, Step.Verb.SAVE, actor, at)
    record(actor, "filing.save", filing)
    return filing


@transaction.atomic
def submit(
    actor: Any,
    enterprise: Enterprise,
    when: Month,
    typed: Mapping[str, str],
    reasons: Mapping[str, str] | None = None,
    *,
    version: int | None = None,
    at: datetime | None = None,
) -> Filing:
    """Hand a month in. Raises Questioned where a figure is wrong, or is odd and has no reason."""
    filing = _open(actor, enterprise, when, version)
    entries = read_entries(typed)
    if entries.wrong:
        raise _unreadable(entries.wrong)
    reasons = {name: why.strip() for name, why in (reasons or {}).items() if why.strip()}
    found = check(entries.figures, when, past_of(enterprise, when), form())
    if wrong := [each for each in found if each.level == "error"]:
        raise Questioned(
            _("有 %(count)d 项不能这样提交：%(items)s。") % {"count": len(wrong), "items": _titles(wrong)},
            _("改正标出的项目后再提交。"),
            found,
        )
    questioned = needing_reason(found)
    if missing := [name for name in questioned if name not in reasons]:
        unexplained = [each for each in found if each.item in missing and each.level == "warning"]
        raise Questioned(
            _("有 %(count)d 项和往常差别大，需要说明原因：%(items)s。")
            % {"count": len(missing), "items": _titles(unexplained)},
            _("填错了就改正；确实如此，就在这一项下面写明原因再提交。"),
            found,
        )
    kept = {name: why[:500] for name, why in reasons.items() if name in questioned}
    before = _keep(
        filing, entries.figures, kept, found, state=Filing.State.SUBMITTED, flagged=bool(questioned)
    )
    at = at or timezone.now()
    filing.submitted_at, filing.submitted_by = at, actor
    filing.late = timezone.localtime(at).date() > when.deadline.due
    filing.answer = ""
    filing.save()
    _step(filing, Step.Verb.SUBMIT, actor, at, before)
    _write_figures(filing)
    record(actor, "filing.submit", filing, values=filing.values, flagged=filing.flagged)
    return filing


def _open(actor: Any, enterprise: Enterprise, when: Month, version: int | None) -> Filing:
    """The filing of a month, held for change. Raises Refused where it cannot be changed."""
    if not own_enterprises(actor).filter(pk=enterprise.pk).exists():
        raise Refused(_("只有本企业的账号可以填报。"), status=403, code="forbidden")
    duty = Duty.objects.filter(enterprise=enterprise).first()
    if duty is None or when.first < duty.since or (duty.until is not None and when.first >= duty.until):
        raise Refused(
            _("%(month)s不在贵企业的填报范围内。") % {"month": when.title},
            _("需要填报时请联系主管部门。"),
        )
    if when > newest_month():
        raise Refused(_("%(month)s还没有结束。") % {"month": when.title}, _("请在次月第 1 个工作日起填报。"))
    filing, _made = Filing.objects.select_for_update().get_or_create(
        enterprise=enterprise, year=when.year, month=when.month
    )
    if filing.state == Filing.State.ACCEPTED:
        raise Refused(
            _("%(month)s已经核对通过，不能再改。") % {"month": when.title},
            _("确需更正，请联系主管部门退回。"),
        )
    if version is not None and version != filing.version:
        raise Refused(
            _("您打开之后，这个月的数据已被改过。"),
            _("请先看最新的内容，再改。"),
            code="stale",
        )
    return filing


def _keep(
    filing: Filing,
    figures: Mapping[str, Decimal],
    reasons: Mapping[str, str],
    found: list[Finding],
    *,
    state: str,
    flagged: bool,
) -> dict[str, str]:
    """Put new content into a filing; gives the values before."""
    before: dict[str, str] = filing.values
    filing.values = stored(figures)
    filing.reasons = {name: why.strip()[:500] for name, why in reasons.items() if why.strip()}
    filing.findings = [each.stored() for each in found if each.level != "error"]
    filing.state, filing.flagged = state, flagged
    filing.version += 1
    filing.save()
    filing._before = before  # type: ignore[attr-defined]
    return before


def _step(
    filing: Filing,
    verb: str,
    actor: Any,
    at: datetime | None,
    before: Mapping[str, str] | None = None,
    note: str = "",
) -> None:
    before = getattr(filing, "_before", {}) if before is None else before
    changes = {
        name: [before.get(name), filing.values.get(name)]
        for name in {**before, **filing.values}
        if before.get(name) != filing.values.get(name)
    }
    Step.objects.create(
        filing=filing, verb=verb, at=at or timezone.now(), by=actor, changes=changes, note=note
    )


def _unreadable(wrong: list[Finding]) -> Questioned:
    return Questioned(
        _("有 %(count)d 项读不懂：%(items)s。") % {"count": len(wrong), "items": _titles(wrong)},
        _("请按提示改正，其余项目已保留在页面上。"),
        wrong,
    )


def _titles(found: list[Finding]) -> str:
    return "、".join(dict.fromkeys(item_title(each.item) for each in found))


def _sort(found: list[Finding]) -> list[Finding]:
    order = {name: at for at, name in enumerate(form().items)}
    return sorted(found, key=lambda each: order[each.item])


def _write_figures(filing: Filing) -> None:
    """Registry's figures of the month become those of the filing."""
    rows = [
        MonthlyFigure(
            enterprise_id=filing.enterprise_id,
            year=filing.year,
            month=filing.month,
            item=name,
            value=Decimal(value),
            unit=form().items[name].unit,
            source=SOURCE,
            state=MonthlyFigure.State.FILED,
            changed_at=timezone.now(),
        )
        for name, value in filing.values.items()
    ]
    MonthlyFigure.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["enterprise", "year", "month", "item"],
        update_fields=["value", "unit", "source", "state", "changed_at"],
    )


# -- the official ---------------------------------------------------------------------------------------


@transaction.atomic
def accept(actor: Any, number: int, *, at: datetime | None = None) -> Filing:
    """A submitted month is checked and right."""
    filing = _to_review(actor, number)
    _accept([filing], actor, at)
    record(actor, "filing.accept", filing)
    return filing


@transaction.atomic
def send_back(actor: Any, number: int, why: str, *, at: datetime | None = None) -> Filing:
    """A month goes back to the enterprise, with the reason. One that was accepted may, to be corrected."""
    why = why.strip()[:500]
    if not why:
        raise Refused(_("请写明退回的原因。"), status=422, code="invalid", at="why")
    filing = _to_review(actor, number, (Filing.State.SUBMITTED, Filing.State.ACCEPTED))
    filing.state, filing.answer = Filing.State.RETURNED, why
    filing.reviewed_at, filing.reviewed_by = at or timezone.now(), actor
    filing.version += 1
    filing.save()
    _step(filing, Step.Verb.RETURN, actor, at, filing.values, why)
    _set_figures([filing], MonthlyFigure.State.RETURNED)
    record(actor, "filing.return", filing, why=why)
    return filing


@transaction.atomic
def accept_unflagged(actor: Any, when: Month, *, at: datetime | None = None) -> int:
    """Accept every submitted filing of a month in which nothing was questioned; gives how many."""
    require(actor, RIGHT)
    numbers = (
        month_duties(actor, when)
        .filter(state=Filing.State.SUBMITTED, filing_flagged=False)
        .values_list("filing_id", flat=True)
    )
    filings = list(
        Filing.objects.select_for_update().filter(pk__in=list(numbers), state=Filing.State.SUBMITTED)
    )
    _accept(filings, actor, at)
    for filing in filings[:1]:
        record(
            actor,
            "filing.accept_unflagged",
            filing,
            month=str(when),
            filings=[each.pk for each in filings],
        )
    return len(filings)


def _to_review(actor: Any, number: int, states: Iterable[str] = (Filing.State.SUBMITTED,)) -> Filing:
    require(actor, RIGHT)
    held = Filing.objects.exclude(state=Filing.State.DRAFT)
    filing = (
        official_scope(actor, RIGHT)
        .filter(held, "enterprise__")
        .select_for_update()
        .filter(pk=number)
        .first()
    )
    if filing is None:
        raise _unknown()
    if filing.state not in states:
        raise Refused(
            _("%(month)s现在是“%(state)s”，不能这样处理。")
            % {"month": filing.when.title, "state": filing.get_state_display()}
        )
    return filing


def _accept(filings: list[Filing], actor: Any, at: datetime | None) -> None:
    at = at or timezone.now()
    for start in range(0, len(filings), _CHUNK):
        part = filings[start : start + _CHUNK]
        for filing in part:
            filing.state, filing.answer = Filing.State.ACCEPTED, ""
            filing.reviewed_at, filing.reviewed_by = at, actor
            filing.version += 1
        Filing.objects.bulk_update(part, ["state", "answer", "reviewed_at", "reviewed_by", "version"])
        Step.objects.bulk_create(
            Step(filing=filing, verb=Step.Verb.ACCEPT, at=at, by=actor) for filing in part
        )
        _set_figures(part, MonthlyFigure.State.CHECKED)


def _set_figures(filings: list[Filing], state: str) -> None:
    for when in {filing.when for filing in filings}:
        MonthlyFigure.objects.filter(
            enterprise__in=[filing.enterprise_id for filing in filings if filing.when == when],
            year=when.year,
            month=when.month,
            item__in=list(form().items),
        ).update(state=state, changed_at=timezone.now())


@transaction.atomic
def take_past(
    actor: Any, months: Mapping[tuple[Enterprise, Month], Mapping[str, Decimal]], *, at: datetime
) -> int:
    """Take months that were filed and checked before the site was used. What is there already stays."""
    require(actor, RIGHT)
    scope = official_scope(actor, RIGHT)
    there = set(
        Filing.objects.filter(enterprise__in={enterprise.pk for enterprise, _when in months}).values_list(
            "enterprise_id", "year", "month"
        )
    )
    first: dict[Enterprise, Month] = {}
    for enterprise, when in months:
        first[enterprise] = min(when, first.get(enterprise, when))
    since = dict(Duty.objects.filter(enterprise__in=first).values_list("enterprise_id", "since"))
    for enterprise, when in first.items():
        _hold_in_scope(scope, enterprise)
        if when.first < since.get(enterprise.pk, date.max):
            raise Refused(_("%(name)s不在月度填报范围内。") % {"name": enterprise.name})
    filings = Filing.objects.bulk_create(
        [
            Filing(
                enterprise=enterprise,
                year=when.year,
                month=when.month,
                state=Filing.State.ACCEPTED,
                values=stored(figures),
                version=1,
                submitted_at=at,
                reviewed_at=at,
                reviewed_by=actor,
            )
            for (enterprise, when), figures in months.items()
            if (enterprise.pk, when.year, when.month) not in there
        ],
        batch_size=_CHUNK,
    )
    Step.objects.bulk_create(
        (Step(filing=filing, verb=Step.Verb.TAKE, at=at, by=actor) for filing in filings), batch_size=_CHUNK
    )
    MonthlyFigure.objects.bulk_create(
        (
            MonthlyFigure(
                enterprise_id=filing.enterprise_id,
                year=filing.year,
                month=filing.month,
                item=name,
                value=Decimal(value),
                unit=form().items[name].unit,
                source=SOURCE,
                state=MonthlyFigure.State.CHECKED,
            )
            for filing in filings
            for name, value in filing.values.items()
        ),
        batch_size=_CHUNK,
        update_conflicts=True,
        unique_fields=["enterprise", "year", "month", "item"],
        update_fields=["value", "unit", "source", "state"],
    )
    for filing in filings[:1]:
        record(actor, "filing.take_past", filing, filings=len(filings))
    return len(filings)


def unknown_item(name: str) -> Refused:
    """Told to a program that sends an item that is not on the form."""
    return Refused(
        _("没有“%(name)s”这一项。") % {"name": name},
        _("可填的项目：%(items)s。") % {"items": "、".join(form().items)},
        status=422,
        code="invalid",
        at=name,
    )
