"""How a case reads on a page: when it is due, and how it ended. Asks no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import floor

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from muheng.casework.clock_standing import Amount, Mark
from muheng.casework.document import CaseType, Part, Unit
from muheng.casework.history import PARTS
from muheng.casework.standing import Standing
from muheng.web.casework.kinds import calendar
from muheng.web.reading import language
from muheng.web.templatetags.words import day


@dataclass(frozen=True)
class Due:
    """How near the end of a clock is: the figure, the sentence, how pressing (as the tags of the site's look), and what may
    still move it."""

    text: str
    tone: str = ""
    deadline: Mark | None = None
    doubt: str = ""

    @property
    def day(self) -> date | None:
        """The last day, or that of the last moment."""
        return timezone.localdate(self.deadline) if isinstance(self.deadline, datetime) else self.deadline

    @property
    def moment(self) -> datetime | None:
        """The last moment, of a clock in hours."""
        return self.deadline if isinstance(self.deadline, datetime) else None

    @property
    def beside(self) -> Mark | None:
        """The day, or the moment, that the text does not say itself."""
        return None if self.moment is not None and self.tone != "wrong" else self.deadline


SOON = 2
"""Days left from which a case is marked as pressing, of a clock in hours hours."""


def say_due(
    case_type: CaseType, due: Mark | None, clock: str, provisional: bool, paused: bool, now: datetime
) -> Due:
    """The running clock that ends first, in its own days; in hours, until when."""
    if due is None:
        return Due(_("暂停计时"), "plain") if paused else Due("")
    if isinstance(due, datetime):
        return say_due_at(due, now)
    declared, today = case_type.clock(clock), timezone.localdate(now)
    unit: Unit = declared.unit if declared is not None and declared.unit != "hour" else "calendar"
    doubt = say_doubt(due) if provisional else ""
    if due < today:
        over = count_days(due, today, unit)
        # Overdue since a working day, looked at on the day off after it.
        text = _("超期%(days)s") % {"days": say_amount(over, unit)} if over else _("已超期")
        return Due(text, "wrong", due, doubt)
    left = count_days(today, due, unit)
    if not left:
        return Due(_("今天到期"), "warn", due, doubt)
    tone = "warn" if left <= SOON else ""
    return Due(_("还有%(days)s") % {"days": say_amount(left, unit)}, tone, due, doubt)


def say_due_at(due: datetime, now: datetime) -> Due:
    """A clock in hours: until when, or how long it is overdue."""
    if now > due:
        over = (now - due) // timedelta(hours=1)
        text = _("超期%(days)s") % {"days": say_amount(over, "hour")} if over else _("已超期")
        return Due(text, "wrong", due)
    tone = "warn" if due - now <= timedelta(hours=SOON) else ""
    return Due(say_until(due, now), tone, due)


def say_until(due: datetime, now: datetime) -> str:
    """今天 16:30 前, by 16:30 today."""
    due = timezone.localtime(due)
    values = {"time": f"{due:%H:%M}", "day": day(due)}
    left = (due.date() - timezone.localdate(now)).days
    if left == 0:
        return _("今天 %(time)s 前") % values
    return (_("明天 %(time)s 前") if left == 1 else _("%(day)s %(time)s 前")) % values


def say_doubt(due: date) -> str:
    """Why a due date may still move: the year whose days off are not announced."""
    published = calendar().years
    year = next((year for year in (due.year - 1, due.year) if year not in published), due.year)
    return _("待国务院公布%(year)s年安排后重算") % {"year": year}


def count_days(first: date, last: date, unit: Unit) -> int:
    """Days after ``first`` up to and with ``last``."""
    return (last - first).days if unit == "calendar" else calendar().count_working_days(first, last)


def say_amount(amount: Amount, unit: Unit) -> str:
    """12个工作日, 12 working days; of hours the minutes too, 3小时20分钟."""
    whole = floor(amount)
    if unit == "calendar":
        return ngettext("%(days)d天", "%(days)d天", whole) % {"days": whole}
    if unit == "working":
        return ngettext("%(days)d个工作日", "%(days)d个工作日", whole) % {"days": whole}
    minutes = floor((amount - whole) * 60)
    hours = ngettext("%(hours)d小时", "%(hours)d小时", whole) % {"hours": whole}
    if not minutes:
        return hours
    said = _("%(hours)s%(minutes)d分钟") if whole else _("%(minutes)d分钟")
    return said % {"hours": hours, "minutes": minutes}


def say_part(part: str) -> str:
    """As who somebody did something."""
    known: Part | None = part if part in PARTS else None  # type: ignore[assignment]
    return PARTS[known].render(language()) if known is not None else part


def say_state(case_type: CaseType, state: str) -> str:
    found = case_type.state(state)
    return found.title(language()) if found is not None else state


def say_kind(case_type: CaseType, kind: str | None) -> str:
    found = case_type.kind(kind) if kind else None
    return found.title(language()) if found is not None else ""


def say_size(size: int) -> str:
    """How large a file is: 12 KB, 3.4 MB."""
    return f"{size / (1 << 20):.1f} MB" if size >= 1 << 20 else f"{-(-size // 1024)} KB"


def say_rating(rating: int) -> str:
    """A rating of 1 to 5 as the people who give it know it."""
    return (_("非常不满意"), _("不满意"), _("基本满意"), _("满意"), _("非常满意"))[rating - 1]


def say_end(standing: Standing) -> str:
    """How a case ended: whether every clock was kept."""
    if standing.phase == "void":
        return _("已撤并")
    late = [clock for clock in standing.runs if clock.late]
    return _("办结，有时限超期") if late else _("按期办结") if standing.runs else _("已办结")
