"""What operators mark, and take back. A mark is never deleted; hours that it touches are judged again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from muheng.web.audit.actions import record
from muheng.web.casework.writing import deed
from muheng.web.entrance import clean_text
from muheng.web.monitoring.cases import HANDLE
from muheng.web.monitoring.city_rules import city_rules
from muheng.web.monitoring.models import Mark, Point
from muheng.web.monitoring.moments import midnight
from muheng.web.monitoring.points import judge_again
from muheng.web.monitoring.sayings import say_later
from muheng.web.notices.actions import tell
from muheng.web.people.models import User
from muheng.web.refusal import Refused, invalid
from muheng.web.registry.queries import is_own, may
from muheng.web.templatetags.words import moment

BACK, AHEAD = timedelta(days=35), timedelta(days=31)
"""How far back hours are judged again, and how far ahead work may be planned."""
LONGEST_NOTE = 500


@dataclass(frozen=True)
class Stretch:
    """What an operator marks. ``end`` None: it goes on."""

    mark: str
    begin: datetime
    end: datetime | None = None
    note: str = ""


@deed
def add_mark(actor: User, point: Point, given: Stretch, *, at: datetime | None = None) -> Mark:
    """Mark a stretch of one's own point. Raises Refused."""
    held = Point.objects.select_for_update(of=("self",)).select_related("enterprise").get(pk=point.pk)
    if not is_own(actor, held.enterprise):
        raise Refused(_("标记由企业自己做。"), status=403, code="forbidden")
    now = at or timezone.now()
    _check(held, given, now)
    made = Mark.objects.create(
        point=held,
        mark=given.mark,
        begin=given.begin,
        end=given.end,
        note=clean_text(given.note)[:LONGEST_NOTE],
        by=actor,
        at=now,
    )
    record(actor, "monitoring.mark", held, mark=given.mark, begin=given.begin, end=given.end)
    _tell_who_refused(made)
    judge_again(held)
    return made


@deed
def end_mark(actor: User, mark: Mark, end: datetime, *, at: datetime | None = None) -> Mark:
    """A mark that went on is over. Raises Refused."""
    held = _hold(actor, mark)
    if not is_own(actor, held.point.enterprise) or held.end is not None:
        raise _not_found()
    now = at or timezone.now()
    if not held.begin < end <= now + AHEAD:
        raise invalid(_("结束应晚于开始：%(begin)s。") % {"begin": moment(held.begin)}, "end")
    held.end = end
    held.save(update_fields=("end",))
    record(actor, "monitoring.end_mark", held.point, mark=held.mark, begin=held.begin, end=end)
    judge_again(held.point)
    return held


@deed
def withdraw_mark(actor: User, mark: Mark, note: str, *, at: datetime | None = None) -> Mark:
    """Take a mark back, with the reason; an officer may refuse an enterprise's. Raises Refused."""
    held = _hold(actor, mark)
    said = clean_text(note)[:200]
    if not said:
        raise invalid(_("请写明撤回的理由。"), "note")
    now = at or timezone.now()
    held.withdrawn_at, held.withdrawn_by, held.withdrawn_note = now, actor, said
    held.save(update_fields=("withdrawn_at", "withdrawn_by", "withdrawn_note"))
    own = is_own(actor, held.point.enterprise)
    record(actor, "monitoring.withdraw_mark", held.point, mark=held.mark, begin=held.begin, own=own)
    if not own:
        _tell_refused(held, said, now)
    judge_again(held.point)
    return held


def _tell_refused(mark: Mark, said: str, now: datetime) -> None:
    people = User.objects.filter(
        represented__enterprise=mark.point.enterprise_id, represented__until=None
    ).distinct()
    href = reverse("monitoring:own-point", args=[mark.point_id])
    tell(
        people,
        say_later(gettext_lazy("标记没有被认可：%(point)s"), point=mark.point.name),
        said,
        href,
        room="monitoring",
        at=now,
    )


def _tell_who_refused(made: Mark) -> None:
    """What an officer did not accept is marked again: whoever refused it looks again."""
    point, end = made.point, made.end or made.at + AHEAD
    earlier = Mark.objects.filter(point=point, begin__lt=end).exclude(withdrawn_by=None)
    refused = earlier.exclude(end__lte=made.begin).exclude(
        withdrawn_by__represented__enterprise=point.enterprise_id
    )
    href = reverse("monitoring:point", args=[point.pk])
    said = say_later(gettext_lazy("没有认可的时段又标记了：%(point)s"), point=point.name)
    people = User.objects.filter(pk__in=refused.values("withdrawn_by"))
    if people:
        tell(people, said, made.note, href, room="monitoring", at=made.at)


def _check(point: Point, given: Stretch, now: datetime) -> None:
    if given.mark not in city_rules().limits.marks:
        raise invalid(_("请选标记什么。"), "mark")
    begin, end = given.begin, given.end
    if end is not None and end <= begin:
        raise invalid(_("结束应晚于开始：%(begin)s。") % {"begin": moment(begin)}, "end")
    if begin < now - BACK:
        raise invalid(
            _("开始太早：只能标记最近 %(days)s 天。") % {"days": BACK.days},
            "begin",
            _("更早的情况请在事件里说明。"),
        )
    if begin > now + AHEAD or (end is not None and end > now + AHEAD):
        raise invalid(_("最多提前 %(days)s 天标记。") % {"days": AHEAD.days}, "begin")
    if begin < midnight(point.watched_from):
        raise invalid(_("这个点位那时还没有监控。"), "begin")
    same = Mark.objects.filter(point=point, mark=given.mark, withdrawn_at=None)
    if end is not None:
        same = same.filter(begin__lt=end)
    for other in same:
        if other.end is None or other.end > begin:
            said = _("这段时间已经标记过：%(begin)s起。") % {"begin": moment(other.begin)}
            raise invalid(said, "begin", _("先撤回那一条，或者改时间。"))


def _hold(actor: User, mark: Mark) -> Mark:
    rows = Mark.objects.select_for_update(of=("self",)).select_related("point__enterprise")
    held = rows.get(pk=mark.pk)
    enterprise = held.point.enterprise
    if not is_own(actor, enterprise) and not may(actor, HANDLE, enterprise):
        raise _not_found()
    if held.withdrawn_at is not None:
        raise Refused(_("这条标记已经撤回。"), code="conflict")
    return held


def _not_found() -> Refused:
    return Refused(_("没有这条标记，或者它不归您管。"), status=404, code="not_found")
