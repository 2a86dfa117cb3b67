"""Rounds of cleaner-production audits, from the list to the acceptance, or as far as they are by the demo's today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from random import Random

from muheng.cities.demo.exchanges import AuditForm
from muheng.cities.demo.stories import (
    DemoCase,
    NotYet,
    Story,
    midnight,
    working_day_before,
    working_hour,
)
from muheng.standards.calendar import Calendar

AUDIT = "cleaner_production"
REPORT, ASSESSED, ACCEPTED = "审核报告", "评估意见", "验收意见"
PAPERS: Mapping[str, bytes] = {
    f"{label}（演示）.txt": f"{label}（演示）。内容为合成，不是真实文书。\n".encode()
    for label in (REPORT, ASSESSED, ACCEPTED)
}
_AGENCIES = ("环境工程研究所（演示）", "霁澜清洁生产咨询（演示）", "企业自行组织")


def tell_audits(
    forms: Sequence[AuditForm],
    codes: Sequence[str],
    office_of: Mapping[str, str],
    handlers: Mapping[str, str],
    desk: str,
    random: Random,
    calendar: Calendar,
    today: date,
) -> list[DemoCase]:
    """Each form's count of enterprises, another for each; `office_of` is who looks after an enterprise."""
    waiting = iter(random.sample(codes, sum(form.count for form in forms)))
    cases = []
    for number, form in enumerate(forms):
        listed = form.listed or working_day_before(calendar, today, form.listed_days_ago or 0)
        title = form.title.format(year=listed.year)
        for index in range(form.count):
            code = next(waiting)
            story = Story(
                f"audit-{number}-{index + 1:03d}",
                AUDIT,
                title,
                code,
                random,
                calendar,
                midnight(today),
                working_hour(listed, random),
                opener=desk,
            )
            office = office_of[code]
            with suppress(NotYet):
                _tell(story, form.kind, office, handlers[office], desk)
            cases.append(story.told())
    return cases


def _tell(story: Story, kind: str, office: str, handler: str, desk: str) -> None:
    random = story.random
    fields = {"title": story.title, "listed_on": story.moment.date().isoformat()}
    story.do("open", "desk", desk, kind=kind, fields=fields, organisation=office, handler=handler)
    story.wait(random.randint(6, 18))
    story.do("publish", "handler", handler, fields={"published_on": _day(story)})
    story.wait(random.randint(5, 18))
    agency = random.choice(_AGENCIES)
    story.do("start", "handler", handler, fields={"started_on": _day(story), "agency": agency})
    story.wait(random.randint(60, 150))
    schemes, spent = random.randint(8, 26), random.randint(20, 600)
    report = {"reported_on": _day(story), "schemes": str(schemes), "investment": str(spent)}
    story.do("report", "handler", handler, fields=report, files=[_paper(REPORT)])
    story.wait(random.randint(8, 24))
    story.do("assess", "desk", desk, fields={"assessed_on": _day(story)}, files=[_paper(ASSESSED)])
    story.wait(random.randint(60, 190))
    gained = {
        "accepted_on": _day(story),
        "benefit": str(random.randint(10, 400)),
        "energy_saved": str(random.randint(20, 900)),
        "water_saved": str(random.randint(300, 20000)),
    }
    story.do("accept", "desk", desk, fields=gained, files=[_paper(ACCEPTED)])


def _day(story: Story) -> str:
    return story.moment.date().isoformat()


def _paper(label: str) -> dict[str, str]:
    return {"label": label, "name": f"{label}（演示）.txt"}
