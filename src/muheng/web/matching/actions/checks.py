"""What every deed of matching checks alike: who may, what was typed, whether somebody else was faster."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.matching.money import MOST
from muheng.web.matching.models import Kind, Tag
from muheng.web.people.models import Organisation
from muheng.web.people.rights import RIGHTS, holds
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise
from muheng.web.registry.queries import may

EDIT = "matching.edit"
MOST_PERSONS = 100_000


def require_for(actor: Any, enterprise: Enterprise) -> None:
    """An official who looks after the enterprise; None is the site itself."""
    if actor is not None and not may(actor, EDIT, enterprise):
        raise _forbidden()


def require_at(actor: Any, place: Organisation) -> None:
    """An official of a place, or of one above it."""
    if actor is not None and not holds(actor, EDIT, place):
        raise _forbidden()


def _forbidden() -> Refused:
    return Refused(
        _("您没有“%(right)s”的权限。") % {"right": RIGHTS[EDIT]},
        _("需要时请联系本单位的管理员。"),
        status=403,
        code="forbidden",
    )


def invalid(what: str, fix: str = "", at: str = "") -> Refused:
    return Refused(what, fix, status=422, code="invalid", at=at)


def check_text(text: str, most: int, at: str, title: str, *, needed: bool = False) -> str:
    """A text without blanks around it. Raises Refused."""
    kept = text.strip()
    if needed and not kept:
        raise invalid(_("“%(field)s”没有填。") % {"field": title}, _("请填写。"), at)
    if len(kept) > most:
        raise invalid(
            _("“%(field)s”太长：%(count)d 字，最多 %(most)d 字。")
            % {"field": title, "count": len(kept), "most": most},
            _("请写短些。"),
            at,
        )
    return kept


def check_number(value: int | None, least: int, most: int, at: str, title: str) -> int | None:
    """A whole number within bounds, or none. Raises Refused."""
    if value is not None and not least <= value <= most:
        raise invalid(
            _("“%(field)s”应在 %(least)s 至 %(most)s 之间。")
            % {"field": title, "least": f"{least:,}", "most": f"{most:,}"},
            _("请核对数字和单位。"),
            at,
        )
    return value


def check_amount(value: int | None, kind: str, at: str, title: str) -> int | None:
    """An amount of a kind: fen, or persons. Raises Refused."""
    if value is not None and value <= 0:
        raise invalid(_("“%(field)s”应大于 0。") % {"field": title}, _("请核对数字和单位。"), at)
    most = MOST_PERSONS if kind == Kind.LABOUR else MOST
    if value is not None and value > most:
        raise invalid(_("“%(field)s”太大。") % {"field": title}, _("请核对数字和单位。"), at)
    return value


def check_version(row: Any, version: int | None) -> None:
    """Refused where somebody changed the row since it was read."""
    if version is not None and row.version != version:
        raise Refused(_("您打开之后，这一条已被改过。"), _("请先看最新的内容，再改。"), code="stale")


def find_tags(kind: str, names: Iterable[str], at: str = "tags") -> list[Tag]:
    """The tags of these names. Raises Refused for one that is not in the list."""
    wanted = list(dict.fromkeys(names))
    found = {tag.name: tag for tag in Tag.objects.filter(kind=kind, name__in=wanted)}
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise invalid(
            _("没有“%(tag)s”这个标签。") % {"tag": unknown[0]},
            _("请从列表里选；要加标签请联系主管部门。"),
            at,
        )
    return [found[name] for name in wanted]


def moment_of(at: datetime | None, on: date | None = None) -> tuple[datetime, date]:
    """When something is written down, and the day on which it was. Raises Refused for a day that is still to come."""
    now = at or timezone.now()
    today = timezone.localtime(now).date()
    if on is not None and on > today:
        raise invalid(_("日期 %(day)s 还没有到。") % {"day": on.isoformat()}, _("请核对日期。"), "on")
    return now, on or today
