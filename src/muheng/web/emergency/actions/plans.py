"""Plans for a list: made in the background, adopted by somebody other than who made them, withdrawn.

A plan is a proposal until it is adopted; orders are written from the adopted one of the list in force.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.documents.message import Message, say
from muheng.emergency.comparison import compare
from muheng.emergency.explanation import explain
from muheng.emergency.options import UnusableList
from muheng.emergency.plan.closure import Impossible
from muheng.emergency.plan.solve import solve
from muheng.emergency.plan.verify import Breach, verify
from muheng.emergency.settings import read_settings
from muheng.emergency.spread import Point, price_fairness
from muheng.web.audit.actions import record
from muheng.web.emergency.city_settings import norms_text, say_found
from muheng.web.emergency.models import EmergencyList, ListedFirm, Measure, Plan
from muheng.web.emergency.plan_figures import describe
from muheng.web.emergency.queries.lists import ADOPT, EDIT
from muheng.web.emergency.queries.plans import FAIRNESS, fairness_job
from muheng.web.emergency.seasons import burdens_before
from muheng.web.emergency.stored_plans import Making, read_plan, store_plan
from muheng.web.entrance import clean_text
from muheng.web.jobs.actions import Progress, enqueue
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import require
from muheng.web.refusal import Refused

GAPS = ("1/10000", "1/5000", "1/1000", "1/200", "1/100")
"""How near to the proven bound a plan has to come; which may be asked for."""
DEFAULT_GAP = "1/5000"


@transaction.atomic
def ask_plan(
    actor: User,
    inventory: EmergencyList,
    settings: str,
    title: str = "",
    gap: str = DEFAULT_GAP,
    at: datetime | None = None,
) -> Plan:
    """Have a plan made for a list by these settings. Refused with line and mend where the text has mistakes."""
    require(actor, EDIT, at=inventory.organisation)
    if not inventory.folder:
        raise Refused(_("这份清单还没有读成，不能算方案。"))
    if gap not in GAPS:
        raise Refused(
            _("误差只能是 %(known)s 之一。") % {"known": "、".join(GAPS)},
            status=422,
            code="invalid",
            at="gap",
        )
    check_settings(settings)
    when = at or timezone.now()
    made = Plan.objects.create(
        inventory=inventory,
        title=(clean_text(title) or _("%(list)s 方案") % {"list": inventory.title})[:200],
        settings=settings,
        gap=gap,
        made_by=actor,
        made_at=when,
    )
    record(actor, "emergency.ask_plan", made, list=inventory.pk, gap=gap)
    made.job = enqueue(
        "emergency.make_plan", actor, _("计算 %(title)s") % {"title": made.title}, plan=made.pk
    )
    made.save(update_fields=("job",))
    return made


def check_settings(text: str) -> None:
    """Raises Refused that says every mistake of a text of settings."""
    settings, found = read_settings(text)
    if settings is None:
        mistakes = [each for each in found if each.severity == "error"]
        raise Refused(
            _("设置有 %(count)s 处错误。") % {"count": len(mistakes)},
            say_found(mistakes),
            status=422,
            code="invalid",
            at="settings",
        )


def make_plan(plan: Plan, progress: Progress) -> None:
    """The work: the problem, the plan, its proof, its explanation. What cannot be made says why."""
    making = Making(
        plan.inventory.folder,
        plan.settings,
        norms_text(),
        timezone.localdate(plan.made_at),
        burdens_before(plan.inventory.organisation, plan.made_at),
    )
    progress(0, 5, _("整理清单"))
    try:
        built = making.build()
    except UnusableList as error:
        _fail(plan, error.problems)
        return
    progress(1, 5, _("求损失最小的方案"))
    began = time.perf_counter()
    try:
        solved = solve(built.problem, Fraction(plan.gap), lambda note: progress(1, 5, note))
    except Impossible as error:  # the rules contradict each other: the settings have to give way
        _fail(plan, [error.what, *([error.fix] if error.fix else [])])
        return
    seconds = time.perf_counter() - began
    progress(2, 5, _("独立核验"))
    if breaches := verify(solved):
        _fail(plan, [_say_breach(each) for each in breaches])
        return
    progress(3, 5, _("说明理由，与一刀切比较"))
    explanation = explain(solved, built)
    comparison = compare(solved, built)
    figures = describe(explanation, comparison, seconds)
    progress(4, 5, _("保存"))
    folder = store_plan(making, plan.gap, explanation)
    with transaction.atomic():
        row = Plan.objects.select_for_update(of=("self",)).get(pk=plan.pk)
        if row.state != Plan.State.WORKING:
            return
        row.folder, row.figures, row.state = folder, figures, Plan.State.PROPOSED
        row.save(update_fields=("folder", "figures", "state"))
        record(
            plan.made_by, "emergency.make_plan", row, folder=folder, problem=read_plan(folder).head["problem"]
        )


def _say_breach(breach: Breach) -> Message:
    return say("核验未通过：{level}{what}", level=breach.level, what=breach.what)


@transaction.atomic
def _fail(plan: Plan, problems: Sequence[Message]) -> None:
    row = Plan.objects.select_for_update(of=("self",)).get(pk=plan.pk)
    if row.state != Plan.State.WORKING:
        return
    row.state = Plan.State.FAILED
    row.trouble = [{"zh": each.render("zh"), "en": each.render("en")} for each in problems]
    row.save(update_fields=("state", "trouble"))
    record(plan.made_by, "emergency.fail_plan", row, trouble=[each["zh"] for each in row.trouble][:20])


@transaction.atomic
def stop_plan(actor: User, plan: Plan) -> Plan:
    """A plan whose work ended without a result is put down as not worked out."""
    row = _hold(plan)
    require(actor, EDIT, at=row.inventory.organisation)
    if row.state == Plan.State.WORKING and (row.job is None or row.job.ended):
        row.state = Plan.State.FAILED
        row.save(update_fields=("state",))
        record(actor, "emergency.stop_plan", row)
    return row


@transaction.atomic
def adopt_plan(actor: User, plan: Plan, note: str = "", at: datetime | None = None) -> Plan:
    """From now on orders are written from this plan; four eyes: not by who made it."""
    row = _hold(plan)
    place = row.inventory.organisation
    require(actor, ADOPT, at=place)
    if row.state != Plan.State.PROPOSED:
        raise Refused(_("这个方案%(state)s，不能采用。") % {"state": row.get_state_display()})
    if row.inventory.state not in (EmergencyList.State.DRAFT, EmergencyList.State.IN_FORCE):
        raise Refused(
            _("它的清单%(state)s。") % {"state": row.inventory.get_state_display()},
            _("请为执行中的清单重新算一个方案。"),
        )
    if row.made_by_id == actor.pk:
        raise Refused(
            _("方案是您算的，不能由您采用。"),
            _("请由另一位有采用权限的同事核对后采用。"),
            status=403,
            code="forbidden",
        )
    note = clean_text(note)[:500]
    if not row.figures.get("feasible", True) and not note:
        raise Refused(
            _("这个方案达不到要求的减排比例。"),
            _("确要采用，请写明理由。"),
            status=422,
            code="invalid",
            at="note",
        )
    Organisation.objects.select_for_update().get(pk=place.pk)
    before = Plan.objects.filter(inventory=row.inventory, state=Plan.State.ADOPTED)
    replaced = list(before.values_list("pk", flat=True))
    before.update(state=Plan.State.REPLACED)
    row.state, row.adopted_by, row.adopted_note = Plan.State.ADOPTED, actor, note
    row.adopted_at = at or timezone.now()
    row.save(update_fields=("state", "adopted_by", "adopted_note", "adopted_at"))
    many = write_measures(row)
    record(actor, "emergency.adopt_plan", row, folder=row.folder, measures=many, replaced=replaced, note=note)
    return row


def write_measures(plan: Plan) -> int:
    """The rows that orders are written from: lines that have something to do. Gives how many."""
    firms = dict(ListedFirm.objects.filter(inventory=plan.inventory).values_list("code", "pk"))
    stored = read_plan(plan.folder)
    listing = stored.listing
    Measure.objects.filter(plan=plan).delete()
    rows = []
    for each in stored.measures():
        if each.idle:
            continue
        line = listing.lines[each.line]
        rows.append(
            Measure(
                plan=plan,
                firm_id=firms[line.firm],
                line=each.line,
                line_name=line.name[:200],
                level=each.level,
                name=each.name[:120],
                kind=each.kind,
                part=each.part,
                count_by=each.count_by,
                evidence=each.evidence,
                meter=line.meter[:60],
                outlet=line.outlet[:60],
                text=each.what,
                text_english=each.what_english,
                loss=each.loss,
                cut=list(each.cut),
            )
        )
    Measure.objects.bulk_create(rows, batch_size=500)
    return len(rows)


@transaction.atomic
def withdraw_plan(actor: User, plan: Plan, note: str, at: datetime | None = None) -> Plan:
    """A proposal is given up, or an adopted plan no longer counts; why is written down."""
    row = _hold(plan)
    adopted = row.state == Plan.State.ADOPTED
    require(actor, ADOPT if adopted else EDIT, at=row.inventory.organisation)
    if row.state not in (Plan.State.PROPOSED, Plan.State.ADOPTED):
        raise Refused(_("这个方案%(state)s，不用撤回。") % {"state": row.get_state_display()})
    note = clean_text(note)[:500]
    if not note:
        raise Refused(
            _("没有写撤回的原因。"), _("请写明原因，会记入档案。"), status=422, code="invalid", at="note"
        )
    row.state, row.withdrawn_by, row.withdrawn_note = Plan.State.WITHDRAWN, actor, note
    row.withdrawn_at = at or timezone.now()
    row.save(update_fields=("state", "withdrawn_by", "withdrawn_note", "withdrawn_at"))
    record(actor, "emergency.withdraw_plan", row, note=note, adopted=adopted)
    return row


def _hold(plan: Plan) -> Plan:
    rows = Plan.objects.select_for_update(of=("self",)).select_related("inventory__organisation", "job")
    return rows.get(pk=plan.pk)


CAPS = (Fraction(8, 10), Fraction(1, 2), Fraction(3, 10))
SHARES = (Fraction(1, 2), Fraction(8, 10))
"""What is asked of fairness to see its cost: the most of its output that an enterprise loses, the least that counties do."""


@transaction.atomic
def ask_fairness(actor: User, plan: Plan) -> None:
    """Have it worked out what caps and county shares would cost beside this plan."""
    require(actor, EDIT, at=plan.inventory.organisation)
    if not plan.folder:
        raise Refused(_("这个方案还没有算成。"))
    if fairness_job(actor, plan) is None:
        enqueue(FAIRNESS, actor, _("公平的代价：%(title)s") % {"title": plan.title}, plan=plan.pk)
        record(actor, "emergency.ask_fairness", plan)


def compute_fairness(plan: Plan, progress: Progress) -> None:
    """Plans with each demand for fairness, held against the one without."""
    explanation = read_plan(plan.folder).explanation
    if explanation is None:
        raise Refused(_("软件更新后，这个方案的问题已不相同，不能再比较。"), _("请重新算一个方案。"))
    problem = explanation.plan.problem
    points: list[Point] = []
    asked = [(None, None), *((cap, None) for cap in CAPS), *((None, share) for share in SHARES)]
    for at, (cap, share) in enumerate(asked):
        progress(at, len(asked), _("第 %(at)s 种要求") % {"at": at + 1})
        points += price_fairness(problem, (cap,), (share,), solve=lambda each: solve(each, Fraction(1, 200)))
    free = points[0].levels
    weight = problem.weight or (1,) * len(free)
    together = [
        sum(w * level.loss for w, level in zip(weight, each.levels, strict=True)) if each.levels else None
        for each in points
    ]
    kept = [
        {
            "impossible": {lang: each.impossible.render(lang) for lang in ("zh", "en")}
            if each.impossible
            else None,
            "cap": str(each.cap) if each.cap is not None else None,
            "share": str(each.county_share) if each.county_share is not None else None,
            "losses": [level.loss for level in each.levels],
            "feasible": [level.feasible for level in each.levels],
            "dearer": [
                str(Fraction(level.loss - first.loss, first.loss)) if first.loss else None
                for level, first in zip(each.levels, free, strict=False)
            ],
            "together": str(Fraction(total - together[0], together[0]))
            if together[0] and total is not None
            else None,
            "hardest": str(each.hardest),
            "top_firms": str(each.top_firms),
        }
        for each, total in zip(points, together, strict=True)
    ]
    with transaction.atomic():
        row = Plan.objects.select_for_update(of=("self",)).get(pk=plan.pk)
        row.figures = {**row.figures, "fairness": kept}
        row.save(update_fields=("figures",))
