"""What a person has to do today: each room is asked for what waits for them, the most urgent first.

A provider gets the person and gives what waits, by the room's own queries; it gives nothing to who has not the right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Min
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.web.casework import listing as cases
from muheng.web.casework import own as own_cases
from muheng.web.casework.queries import LEAD
from muheng.web.casework.wording import Due
from muheng.web.emergency.deeds import list_deeds
from muheng.web.emergency.models import EmergencyList, Plan
from muheng.web.emergency.queries import lists as emergency
from muheng.web.emergency.queries import plans
from muheng.web.evaluation.models import Confirmation, Evaluation, Objection, Run
from muheng.web.evaluation.queries.enterprise import PUBLIC
from muheng.web.evaluation.queries.procedure import Deed, evaluations_for, next_deed
from muheng.web.evaluation.queries.results import SeenRun, find_sight
from muheng.web.evaluation.queries.sheets import own_sheets
from muheng.web.filing import queries as filings
from muheng.web.filing.models import Filing
from muheng.web.filing.months import newest_month
from muheng.web.home.glance import count_moves
from muheng.web.intake.models import Batch
from muheng.web.intake.queries import batches_for, waiting_for
from muheng.web.liaison import queries as visits
from muheng.web.monitoring.deeds import list_deeds as list_watch_deeds
from muheng.web.people.models import User
from muheng.web.people.rights import holds, posts_of, represents
from muheng.web.policy.models import PolicyVersion
from muheng.web.waiting import Waiting


@dataclass(frozen=True)
class Todo:
    """Something to do: a sentence, where it is done, by when, and why. ``weight``: the smaller, the sooner, where no
    day decides; from ``WORTH_A_LOOK`` on it can wait. ``until``: the moment, where the day alone does not say it."""

    title: str
    href: str
    due: date | None = None
    note: str = ""
    weight: int = 5
    until: datetime | None = None

    @property
    def late(self) -> bool:
        if self.until is not None:
            return self.until < timezone.now()
        return self.due is not None and self.due < timezone.localdate()

    @property
    def waits(self) -> bool:
        """Whether somebody waits for it, and it is not only worth a look."""
        return self.weight < WORTH_A_LOOK


WORTH_A_LOOK = 8
_MOST = 10
Provider = Callable[[User], Iterable[Todo]]


def list_todos(user: User) -> list[Todo]:
    """Everything that waits for a person, the most urgent first."""
    found = [todo for ask in PROVIDERS for todo in ask(user)]
    return sorted(found, key=lambda each: (not each.waits, not each.late, each.due or date.max, each.weight))


# -- officials -----------------------------------------------------------------------------------------


def _batches(user: User) -> Iterator[Todo]:
    if holds(user, "intake.accept"):
        waiting = list(waiting_for(user)[:2])
        if len(waiting) == 1:
            batch = waiting[0]
            yield Todo(
                _("核对“%(title)s”，接受或退回") % {"title": batch.title},
                reverse("intake:show", args=[batch.pk]),
                note=_("%(name)s上传，%(errors)s 处错误")
                % {"name": batch.owner.name, "errors": batch.count("errors")},
                weight=2,
            )
        elif waiting:
            count = waiting_for(user).count()
            yield Todo(
                _("核对 %(count)s 批部门数据") % {"count": count},
                f"{reverse('intake:list')}?state={Batch.State.REVIEW}",
                note="、".join(batch.title for batch in waiting),
                weight=2,
            )
    elif holds(user, "intake.upload"):
        for batch in batches_for(user).filter(owner=user, state=Batch.State.REVIEW)[:3]:
            errors = batch.count("errors")
            if errors:
                yield Todo(
                    _("改正“%(title)s”里的 %(errors)s 处错误") % {"title": batch.title, "errors": errors},
                    reverse("intake:problems", args=[batch.pk]),
                    note=_("改好后重新上传；不改的，这些行不会导入。"),
                    weight=2,
                )


def _evaluations(user: User) -> Iterator[Todo]:
    if not holds(user, "evaluation.view"):
        return
    today = timezone.localdate()
    open_ones = evaluations_for(user).exclude(state=Evaluation.State.SIGNED)
    for evaluation in open_ones[:_MOST]:
        deed = next_deed(user, evaluation, today)
        if deed is None:
            continue
        if deed.mine and not _waits_for_others(evaluation, deed):
            yield Todo(_name(evaluation, deed), deed.address, _due(evaluation, deed), weight=1)
        else:
            yield _watch(evaluation, deed)
        if evaluation.chosen is not None and evaluation.chosen.results:
            yield _moves(user, evaluation, evaluation.chosen)
    signed = evaluations_for(user).filter(state=Evaluation.State.SIGNED, runs__kind="correction").distinct()
    for evaluation in signed[:3]:
        deed = next_deed(user, evaluation, today)
        if deed is not None and deed.mine:
            yield Todo(_name(evaluation, deed), deed.address, weight=1)


def _waits_for_others(evaluation: Evaluation, deed: Deed) -> bool:
    """Enterprises answer, or days pass; what officials themselves are missing is theirs to do."""
    passing = (Evaluation.State.CONFIRMATION, Evaluation.State.PUBLICITY)
    return bool(deed.missing) and evaluation.state in passing and "objections" not in deed.address


def _name(evaluation: Evaluation, deed: Deed) -> str:
    return _("%(title)s：%(deed)s") % {"title": evaluation.title, "deed": deed.title}


def _moves(user: User, evaluation: Evaluation, run: Run) -> Todo:
    rose, fell = count_moves(SeenRun(run, find_sight(user, run)))
    return Todo(
        _("%(title)s：看谁升谁降") % {"title": evaluation.title},
        reverse("evaluation:run-moves", args=[evaluation.pk, run.number]),
        note=_("比上年升 %(rose)s 户，降 %(fell)s 户") % {"rose": rose, "fell": fell},
        weight=WORTH_A_LOOK + 1,
    )


def _watch(evaluation: Evaluation, deed: Deed) -> Todo:
    """An evaluation that waits for others: how far it is."""
    return Todo(
        _("%(title)s：正在%(state)s") % {"title": evaluation.title, "state": evaluation.get_state_display()},
        reverse("evaluation:show", args=[evaluation.pk]),
        _last_day(evaluation),
        "；".join(deed.missing) or _("下一步：%(deed)s") % {"deed": deed.title},
        WORTH_A_LOOK,
    )


def _due(evaluation: Evaluation, deed: Deed) -> date | None:
    if "objections" in deed.address:
        oldest = evaluation.objections.filter(state=Objection.State.OPEN).aggregate(due=Min("due"))
        return oldest["due"]  # type: ignore[no-any-return]
    return _last_day(evaluation)


def _last_day(evaluation: Evaluation) -> date | None:
    """Until when the step lasts that it is at."""
    if evaluation.state == Evaluation.State.CONFIRMATION:
        return evaluation.confirm_until
    if evaluation.state == Evaluation.State.PUBLICITY:
        return evaluation.publicity_until
    return None


def _filings(user: User) -> Iterator[Todo]:
    if not holds(user, filings.RIGHT):
        return
    waiting = filings.list_waiting(user)
    flagged = sum(each.flagged for each in waiting)
    plain = sum(each.every - each.flagged for each in waiting)
    address = reverse("filing:review")
    if flagged:
        first = next(each.when for each in waiting if each.flagged)
        yield Todo(
            _("逐户核对 %(count)s 份有疑问的月度填报") % {"count": flagged},
            f"{address}?month={first}&state=flagged",
            note=_("最早的是%(month)s") % {"month": first.title},
            weight=3,
        )
    if plain:
        last = next(each.when for each in reversed(waiting) if each.every > each.flagged)
        yield Todo(
            _("一次通过 %(count)s 份没有疑问的月度填报") % {"count": plain},
            f"{address}?month={last}&state=submitted",
            weight=4,
        )
    newest = newest_month()
    if timezone.localdate() > newest.deadline.due:
        missing = filings.count_month(user, newest)["missing"]
        if missing:
            yield Todo(
                _("催报：%(count)s 户没有填%(month)s") % {"count": missing, "month": newest.title},
                f"{address}?month={newest}&state=missing",
                note=_("期限已过"),
                weight=6,
            )


def _drafts(user: User) -> Iterator[Todo]:
    if not holds(user, "policy.edit"):
        return
    drafts = PolicyVersion.objects.filter(state=PolicyVersion.State.DRAFT, author=user)
    for version in drafts.select_related("document").order_by("-pk")[:2]:
        yield Todo(
            _("继续修改《%(title)s》") % {"title": version.document.title},
            reverse("policy:edit", args=[version.document.slug, version.number]),
            note=version.note,
            weight=WORTH_A_LOOK,
        )
    if holds(user, "policy.finalise"):
        others = PolicyVersion.objects.filter(state=PolicyVersion.State.DRAFT).exclude(author=user)
        for version in others.select_related("document", "author").order_by("-pk")[:2]:
            yield Todo(
                _("看《%(title)s》的草稿，可以时定稿") % {"title": version.document.title},
                reverse("policy:show", args=[version.document.slug, version.number]),
                note=version.note,
                weight=WORTH_A_LOOK,
            )


def _visits(user: User) -> Iterator[Todo]:
    """Whom an officer visits today, who is overdue or due this week; to heads: who of others' is overdue."""
    today = timezone.localdate()
    if holds(user, visits.VISIT):
        stops = visits.stops_of(user, today)
        if stops:
            yield Todo(
                _("今天走访 %(many)s 户") % {"many": len(stops)},
                reverse("liaison:week"),
                today,
                "、".join(stop.enterprise.name for stop in stops[:3]),
                1,
            )
        owed = visits.reckon_all(visits.own_pairings(user), today, counted=False)
        late = [each for each in owed if each.duty.urgency == "overdue"]
        soon = [each for each in owed if each.duty.urgency == "this_week"]
        for these, said in (
            (late, _("走访 %(many)s 户逾期的企业")),
            (soon, _("本周要走访 %(many)s 户企业")),
        ):
            if these:
                yield Todo(
                    said % {"many": len(these)},
                    reverse("liaison:home"),
                    min(each.duty.due for each in these),
                    "、".join(each.enterprise.name for each in these[:3]),
                    2,
                )
        if owed:
            return
    if holds(user, visits.VIEW):
        owed = visits.reckon_all(visits.live(visits.pairings_for(user)), today, counted=False)
        late = [each for each in owed if each.duty.urgency == "overdue"]
        if late:
            names = "、".join(
                f"{row.title} {row.overdue}" for row in visits.tally(late, "officer")[:3] if row.overdue
            )
            yield Todo(
                _("%(many)s 户走访逾期，看是谁的") % {"many": len(late)},
                reverse("liaison:overdue"),
                note=names,
                weight=WORTH_A_LOOK,
            )


def _cases(user: User) -> Iterator[Todo]:
    """What waits for the person by name first, then for their desk, then what is late in what they lead."""
    tabs = cases.tabs_of(user) if posts_of(user) else []
    now, address = timezone.now(), reverse("casework:inbox")
    if "mine" in tabs:
        mine = cases.find_numbers(user, cases.Question(tab="mine"), 0, 3, now)
        shown = mine if len(mine) <= 2 else mine[:1]
        for row in cases.read_rows(shown, now):
            yield Todo(
                _("办理：%(title)s") % {"title": row.title},
                reverse("casework:show", args=[row.number]),
                row.due.day,
                "，".join(part for part in (row.enterprise, row.state) if part),
                2,
                row.due.moment,
            )
        if len(mine) > 2:
            count = cases.say_count(cases.count(user, cases.Question(tab="mine"), now))
            yield Todo(_("等您办的事项共 %(count)s 件") % {"count": count}, f"{address}?tab=mine", weight=3)
    for tab, said in (
        ("desk", _("受理、交办 %(count)s 件事项")),
        ("overdue", _("%(count)s 件事项超期，看卡在哪里")),
    ):
        if tab not in tabs or (tab == "overdue" and not holds(user, LEAD)):
            continue
        if many := cases.count(user, cases.Question(tab=tab), now):
            first = cases.read_rows(cases.find_numbers(user, cases.Question(tab=tab), 0, 1, now), now)
            due = first[0].due if first and tab == "desk" else Due("")
            title = said % {"count": cases.say_count(many)}
            yield Todo(title, f"{address}?tab={tab}", due.day, weight=3, until=due.moment)


def _air(user: User) -> Iterator[Todo]:
    """What waits because the air turns bad: to be proposed, signed, acknowledged, looked at."""
    return map(_as_todo, list_deeds(user)[:5])


def _monitoring(user: User) -> Iterator[Todo]:
    """What waits because of monitoring: events to answer or verify, proofs, patrols, suspicions."""
    return map(_as_todo, list_watch_deeds(user))


def _as_todo(waiting: Waiting) -> Todo:
    due = timezone.localdate(waiting.until) if waiting.until is not None else None
    weight = 0 if waiting.urgent else 3
    return Todo(waiting.title, waiting.href, due, waiting.note, weight, waiting.until)


def _emergency_lists(user: User) -> Iterator[Todo]:
    """Lists and plans that wait: with mistakes for who handed them in, to be adopted for who may and did not make them."""
    if holds(user, emergency.EDIT):
        wrong = emergency.lists_for(user).filter(state=EmergencyList.State.WRONG, made_by=user)
        for row in wrong[:2]:
            yield Todo(
                _("改正“%(title)s”里的 %(errors)s 处错误")
                % {"title": row.title, "errors": row.figures.get("errors", 0)},
                reverse("emergency:list", args=[row.pk]),
                note=_("改完之前整份清单不收。"),
                weight=2,
            )
    if not holds(user, emergency.ADOPT):
        return
    proposed = plans.plans_for(user).filter(state=Plan.State.PROPOSED).exclude(made_by=user)
    for plan in proposed.filter(inventory__state__in=("draft", "in_force"))[:2]:
        yield Todo(
            _("核对减排方案“%(title)s”，可以时采用") % {"title": plan.title},
            reverse("emergency:plan", args=[plan.pk]),
            note=_("%(name)s算的，%(list)s") % {"name": plan.made_by, "list": plan.inventory.title},
            weight=4,
        )
    drafts = emergency.lists_for(user).filter(state=EmergencyList.State.DRAFT)
    for row in drafts.exclude(made_at__lt=timezone.now() - timedelta(days=90))[:2]:
        yield Todo(
            _("启用应急减排清单“%(title)s”") % {"title": row.title},
            reverse("emergency:list", args=[row.pk]),
            note=_("%(firms)s 家企业、%(lines)s 条生产线") % {"firms": row.firms, "lines": row.lines},
            weight=WORTH_A_LOOK,
        )


# -- enterprises ---------------------------------------------------------------------------------------


def _own_sheets(user: User) -> Iterator[Todo]:
    if not represents(user):
        return
    for sheet in own_sheets(user).filter(
        state=Confirmation.State.WAITING,
        evaluation__state=Evaluation.State.CONFIRMATION,
        evaluation__confirm_until__gte=timezone.localdate(),
    )[:3]:
        yield Todo(
            _("确认 %(year)s 年度评价用的数据") % {"year": sheet.evaluation.year},
            reverse("evaluation:sheet", args=[sheet.evaluation_id, sheet.enterprise.code]),
            sheet.evaluation.confirm_until,
            _("%(title)s；有不对的可以提异议") % {"title": sheet.evaluation.title},
            1,
        )


def _own_filings(user: User) -> Iterator[Todo]:
    if not represents(user):
        return
    for enterprise in filings.own_enterprises(user)[:3]:
        for month in reversed([each for each in filings.list_months(enterprise) if each.open]):
            returned = month.state == Filing.State.RETURNED
            title = (
                _("重报%(month)s数据（被退回）") if returned else _("填报%(month)s的能耗、用水、固废和产值")
            )
            yield Todo(
                title % {"month": month.when.title},
                reverse("filing:month", args=[enterprise.code, str(month.when)]),
                month.due,
                enterprise.name,
                2,
            )


def _own_results(user: User) -> Iterator[Todo]:
    if not represents(user):
        return
    published = own_sheets(user).filter(evaluation__state=Evaluation.State.PUBLICITY)
    for sheet in published[:2]:
        yield Todo(
            _("看 %(year)s 年度的公示等级，有异议在期限内提出") % {"year": sheet.evaluation.year},
            reverse("evaluation:mine"),
            sheet.evaluation.publicity_until,
            weight=6,
        )
    shown = own_sheets(user).filter(evaluation__state__in=(*PUBLIC, Evaluation.State.SIGNED))
    if shown.exists():
        yield Todo(
            _("为什么是这个等级，怎样能提升"),
            reverse("evaluation:mine"),
            note=_("每一分怎么来的，改哪一项最有用"),
            weight=WORTH_A_LOOK,
        )


def _own_cases(user: User) -> Iterator[Todo]:
    if not represents(user):
        return
    # Alerts of monitoring are answered on their events.
    for case in own_cases.waiting_for(user).filter(monitoring_event=None)[:3]:
        acts = own_cases.acts_of(case)
        verb = acts[0][1] if acts else _("查看")
        yield Todo(
            _("%(act)s：%(title)s") % {"act": verb, "title": case.title},
            reverse("casework:show", args=[case.number]),
            case.due,
            case.number,
            2,
            case.due_at,
        )
    for case in own_cases.waiting_for_rating(user)[:1]:
        yield Todo(
            _("评价办得怎么样：%(title)s") % {"title": case.title},
            f"{reverse('casework:show', args=[case.number])}?act=rate",
            note=case.number,
            weight=7,
        )


PROVIDERS: tuple[Provider, ...] = (
    _air,
    _monitoring,
    _evaluations,
    _batches,
    _cases,
    _filings,
    _drafts,
    _visits,
    _emergency_lists,
    _own_sheets,
    _own_cases,
    _own_filings,
    _own_results,
)
