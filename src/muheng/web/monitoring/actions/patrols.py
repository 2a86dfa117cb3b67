"""Patrols from afar: a round is drawn, single ones are opened, what was found is written down. Each is a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.utils import timezone, translation
from django.utils.translation import gettext as _

from muheng.monitoring.patrolling import Candidate, draw
from muheng.web.audit.actions import record
from muheng.web.casework.actions import Attachment, NewChild, act, open_case
from muheng.web.casework.models import Case
from muheng.web.casework.writing import deed
from muheng.web.files.attachments import Upload, keep_attachments
from muheng.web.monitoring.actions.events import clean_note
from muheng.web.monitoring.cases import ALERT, FIELD, PATROL, field_check, office_of
from muheng.web.monitoring.city_rules import patrol_rules
from muheng.web.monitoring.models import Event, Patrol, PatrolRound, Point, Suspicion
from muheng.web.monitoring.queries import patrols as queries
from muheng.web.monitoring.sayings import event_title, factor_title, sign_title
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import require
from muheng.web.refusal import Refused, invalid
from muheng.web.registry.queries import is_own, may

LOOKED = ("data", "video", "power", "dcs", "ledger")
"""What a patrol looks at; the case type's fields."""
FINDINGS = ("正常", "异常", "未查看")
LABELS = ("数据截图", "视频截图", "用电曲线", "工况截图", "台账")
MOST = 500
_AHEAD_TITLE = 120


@deed
def draw_round(
    actor: User, title: str, count: int, officers: Sequence[User], *, at: datetime | None = None
) -> PatrolRound:
    """Draw points for a round and give each to an officer of the person's own office. Raises Refused."""
    require(actor, queries.PATROL)
    office = queries.office_of_person(actor)
    if office is None:
        raise Refused(_("您不在任何巡查单位里。"), status=403, code="forbidden")
    office = Organisation.objects.select_for_update(of=("self",)).get(pk=office.pk)
    said = " ".join(clean_note(title).split())[:_AHEAD_TITLE]
    if not said:
        raise invalid(_("请写轮次的名称。"), "title")
    if not 1 <= count <= MOST:
        raise invalid(_("一轮抽 1 到 %(most)s 个点位。") % {"most": MOST}, "count")
    known = {each.pk for each in queries.list_officers(office)}
    if not officers or any(each.pk not in known for each in officers):
        raise invalid(_("请选本单位的巡查人员。"), "officers")
    now = at or timezone.now()
    chances = queries.list_chances(actor, now)
    if not chances:
        raise Refused(_("没有可以抽的点位：都在巡查中，或者没有点位。"))
    seed = queries.next_seed(office)
    picked = draw([Candidate(str(each.point.pk), each.weight) for each in chances], count, seed)
    made = PatrolRound.objects.create(
        title=said,
        organisation=office,
        seed=seed,
        drawn={
            "count": count,
            "rule": patrol_rules().patrol.model_dump(mode="json"),
            "candidates": [
                {
                    "point": each.point.pk,
                    "weight": each.weight,
                    "suspicions": each.suspicions,
                    "events": each.events,
                    "unproved": each.unproved,
                }
                for each in chances
            ],
            "picked": [int(number) for number in picked],
        },
        made_by=actor,
        made_at=now,
    )
    by_number = {str(each.point.pk): each for each in chances}
    drawn = [by_number[number].point for number in picked]
    for point, officer in queries.share_out(drawn, officers):
        chance = by_number[str(point.pk)]
        _open(
            actor,
            point,
            Patrol.Reason.SAMPLED,
            _why_drawn(chance),
            office=office,
            handler=officer,
            made=made,
            at=now,
        )
    record(actor, "monitoring.draw_round", made, seed=seed, candidates=len(chances), points=len(picked))
    return made


def _why_drawn(chance: queries.Chance) -> str:
    parts = []
    if chance.suspicions:
        parts.append(f"待核疑点 {chance.suspicions} 个")
    if chance.events:
        parts.append(f"未办结事件 {chance.events} 件")
    if chance.unproved:
        parts.append(f"未自证 {chance.unproved} 天")
    return "；".join(parts)


@deed
def open_patrol(
    actor: User,
    point: Point,
    reason: Patrol.Reason,
    *,
    note: str = "",
    event: Event | None = None,
    suspicion: Suspicion | None = None,
    handler: User | None = None,
    at: datetime | None = None,
) -> Patrol:
    """Look at one point: because of an event, a suspicion, or a proof that is missing. Raises Refused."""
    _require(actor, point)
    waiting = Patrol.objects.filter(point=point, done_at=None).select_related("case").first()
    if waiting is not None:
        number = waiting.case.number if waiting.case is not None else ""
        raise Refused(_("这个点位正在巡查：%(number)s。") % {"number": number}, code="conflict")
    office = queries.office_of_person(actor)
    if handler is not None and office is not None and handler not in queries.list_officers(office):
        raise invalid(_("请选本单位的巡查人员。"), "handler")
    asked = [clean_note(note)]
    with translation.override("zh-hans"):
        if event is not None:
            said = f"{event.number} {factor_title(event.factor)} {event_title(event.seen)}"
            asked.insert(0, said)
        if suspicion is not None:
            found = str(suspicion.seen.get("zh", ""))
            asked.insert(0, f"{sign_title(suspicion.kind)}：{found}")
    return _open(
        actor,
        point,
        reason,
        "\n".join(each for each in asked if each),
        office=office,
        handler=handler or actor,
        event=event,
        suspicion=suspicion,
        at=at or timezone.now(),
    )


def _open(
    actor: User,
    point: Point,
    reason: Patrol.Reason,
    asked: str,
    *,
    office: Organisation | None,
    handler: User | None,
    at: datetime,
    made: PatrolRound | None = None,
    event: Event | None = None,
    suspicion: Suspicion | None = None,
) -> Patrol:
    case = open_case(
        actor,
        PATROL,
        f"网上巡查：{point.enterprise.name} {point.name}",
        enterprise=point.enterprise,
        kind=reason.value,
        fields={"point": point.name, **({"asked": asked} if asked else {})},
        organisation=office or office_of(point.enterprise, queries.PATROL),
        handler=handler if office is not None else None,
        part="room",
        days=patrol_rules().patrol.days,
        source="monitoring.patrol",
        at=at,
    )
    return Patrol.objects.create(
        round=made, point=point, reason=reason, event=event, suspicion=suspicion, case=case, due=case.due
    )


@deed
def finish_patrol(
    actor: User,
    patrol: Patrol,
    looked: Mapping[str, str],
    *,
    normal: bool,
    note: str = "",
    follow_up: str = "",
    uploads: Sequence[tuple[str, Upload]] = (),
    seen: int | None = None,
    at: datetime | None = None,
) -> Patrol:
    """Write down what was seen; what is abnormal goes to the enterprise as an alert, or to the field.

    ``looked``: of everything that can be looked at, whether it was normal. ``uploads``: with their labels. Raises Refused.
    """
    _require(actor, patrol.point)
    if patrol.case is None or patrol.done_at is not None:
        raise Refused(_("这次巡查已经结束。"), code="conflict")
    wrong = [name for name in LOOKED if looked.get(name) not in FINDINGS]
    if wrong:
        raise invalid(_("每一项都要写明：正常、异常，或者没有查看。"), wrong[0])
    if all(looked[name] == "未查看" for name in LOOKED):
        raise invalid(_("至少查看一项。"), "data")
    odd = any(looked[name] == "异常" for name in LOOKED)
    if odd == normal:
        raise invalid(
            _("有一项异常，结论就是发现异常。") if odd else _("没有一项异常，结论应是未见异常。"), "normal"
        )
    said = clean_note(note)
    labels = dict.fromkeys(LABELS)
    files = []
    for label, upload in uploads:
        if label not in labels:
            raise invalid(_("请选附件的种类。"), "files")
        files += [Attachment(each, label) for each in keep_attachments(actor, [upload])]
    children: list[NewChild] = []
    if not normal:
        if not said:
            raise invalid(_("请写明看到什么异常。"), "note")
        children = [_follow_up(patrol, follow_up, said, at or timezone.now())]
    act(
        actor,
        patrol.case,
        "find_normal" if normal else "find_abnormal",
        seen=seen,
        note=said,
        fields={name: looked[name] for name in LOOKED},
        files=files if not children else (),
        children=[_with_files(each, files) for each in children],
        part="handler",
        at=at,
    )
    patrol.refresh_from_db()
    return patrol


def _follow_up(patrol: Patrol, follow_up: str, said: str, now: datetime) -> NewChild:
    point = patrol.point
    if follow_up == FIELD:
        return field_check(point, f"{point.enterprise.name} {point.name} 巡查异常", said, "other")
    if follow_up == ALERT:
        return NewChild(
            ALERT,
            f"{point.name} 网上巡查发现异常",
            kind="abnormal",
            fields={"point": point.name, "raised_on": timezone.localdate(now).isoformat()},
            note=said,
            organisation=office_of(point.enterprise),
        )
    raise invalid(_("请选接下来怎样办：请企业说明，还是去现场。"), "follow_up")


def _with_files(child: NewChild, files: Sequence[Attachment]) -> NewChild:
    """What was photographed goes with the case that follows; labels are those of that case's type."""
    kept = [Attachment(each.stored) for each in files]
    return NewChild(
        child.type, child.title, child.kind, child.fields, kept, child.note, child.organisation, child.handler
    )


def _require(actor: User, point: Point) -> None:
    if is_own(actor, point.enterprise) or not may(actor, queries.PATROL, point.enterprise):
        raise Refused(_("这个点位不归您巡查。"), status=404, code="not_found")


def case_of_follow_up(patrol: Patrol) -> Case | None:
    """What a patrol that found something led to."""
    return Case.objects.filter(parent=patrol.case).order_by("pk").first() if patrol.case is not None else None
