"""A large city on the site: everyone's file, the facts of two years, last year signed, this year tried out.

Everything goes in by the rooms' own actions. Runs in a process of its own, under the settings of its environment:
``python -m bench.site.city make COUNT``, later ``python -m bench.site.city finish``.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from muheng.cities.demo import LargeCity
    from muheng.cities.pack import Pack
    from muheng.intake.facts import Facts, Item
    from muheng.web.evaluation.models import Evaluation, Run
    from muheng.web.people.models import User

YEAR, SEED = 2025, 7
PASSWORD = "muheng2026"
CLERK, COUNTY_CLERK, CHIEF, LEADER = "clerk", "county_clerk", "chief", "leader"
COUNTY = "当涂县"


def make_city(count: int) -> None:
    """Fill an empty site."""
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from muheng.cities.demo import make_large
    from muheng.cities.pack import load_pack
    from muheng.web import serving
    from muheng.web.policy.actions import take_shipped
    from muheng.web.registry.loading import load_large

    step = _Steps()
    serving.migrate()
    serving.collect_static()
    pack, _ = load_pack(settings.CITY)
    assert pack is not None
    people = _make_people(pack)
    step("tables, tree, people")
    large = make_large(pack, SEED, count, YEAR)
    step("the city itself")
    load_large(large)
    step("files of enterprises")
    _lay_facts(pack, large)
    shipped, _ = load_pack(pack.id)
    assert shipped is not None
    take_shipped(shipped)
    step("facts of two years")
    _sign(_open(people, YEAR - 1), people)
    step("last year's evaluation, signed")
    _try_out(_open(people, YEAR), people)
    step("this year's trial")
    if connection.vendor == "postgresql":  # what its own housekeeping does in the first minutes
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    step("statistics")


class _Steps:
    """Says on standard error how long each step took."""

    def __init__(self) -> None:
        self._since = time.perf_counter()

    def __call__(self, name: str) -> None:
        now = time.perf_counter()
        print(f"  {name}: {now - self._since:.1f} s", file=sys.stderr, flush=True)
        self._since = now


def _make_people(pack: Pack) -> dict[str, User]:
    from muheng.web.people.actions import appoint, found_city, make_department, make_person, take_roles
    from muheng.web.people.models import Organisation

    root = found_city(pack.city)
    roles = take_roles()
    bureau = make_department("工业和信息化局", root, "Bureau of Industry")
    county = Organisation.objects.get(kind=Organisation.Kind.COUNTY, name=COUNTY)
    people = {}
    for username, role, place in (
        (CLERK, "clerk", bureau),
        (COUNTY_CLERK, "clerk", county),
        (CHIEF, "section_chief", bureau),
        (LEADER, "leader", root),
    ):
        people[username] = make_person(username, username, PASSWORD)
        appoint(people[username], roles[role], place)
    return people


def items_of(pack: Pack, large: LargeCity) -> dict[str, Item]:
    """The items of a large city: those of the departments' layouts, and the further numbers that it has."""
    from muheng.intake.facts import Item
    from muheng.intake.layout import load_layouts

    layouts, _ = load_layouts(pack.layouts)
    known = {name: item for layout in layouts for name, item in layout.items().items()}
    items = {name: item for name, item in known.items() if name in large.frame.columns}
    for name, (unit, digits) in large.items.items():
        items.setdefault(name, Item(name, "number", unit, digits))
    return items


def _lay_facts(pack: Pack, large: LargeCity) -> None:
    from django.db import transaction

    from muheng.intake.facts import facts_from_table
    from muheng.web.registry.panels import add_layer

    items = items_of(pack, large)
    for year, frame in ((YEAR - 1, _a_year_before(large)), (YEAR, large.frame)):
        facts: Facts = facts_from_table(frame, items, year, file=f"宽表{year}.xlsx", sheet="宽表")
        with transaction.atomic():
            add_layer(facts, f"{year} 年各部门数据", "bench", None)


def _a_year_before(large: LargeCity) -> pl.DataFrame:
    """The same enterprises with figures that moved by a fifth or so."""
    rng = np.random.default_rng([SEED, large.year])
    moved = [
        (pl.col(name) * pl.Series(np.exp(0.2 * rng.standard_normal(large.frame.height))))
        .round()
        .cast(pl.Int64)
        .alias(name)
        for name, (unit, _) in large.items.items()
        if unit not in ("亩", "户", "m²")
    ]
    return large.frame.with_columns(moved)


def _open(people: dict[str, User], year: int) -> Evaluation:
    from muheng.web.evaluation.actions.confirmation import close_confirmation, open_confirmation
    from muheng.web.evaluation.actions.roster import open_evaluation
    from muheng.web.evaluation.models import Evaluation
    from muheng.web.jobs.actions import run_pending
    from muheng.web.policy.models import PolicyVersion

    clerk = people[CLERK]
    bureau = clerk.memberships.select_related("organisation").get().organisation
    policy = PolicyVersion.objects.get(document__slug="ah-maanshan-demo")
    opened = open_evaluation(
        clerk, year, f"{year}年度亩均效益评价", bureau, policy, at=_moment(year + 1, 3, 9)
    )
    run_pending()
    opened = Evaluation.objects.get(pk=opened.pk)
    assert not opened.roster_problems, opened.roster_problems
    open_confirmation(clerk, opened, 10, at=_moment(year + 1, 3, 10))
    close_confirmation(clerk, opened, at=_moment(year + 1, 4, 10))
    return Evaluation.objects.get(pk=opened.pk)


def _try_out(evaluation: Evaluation, people: dict[str, User]) -> Run:
    from muheng.web.evaluation.actions.running import ask_trial
    from muheng.web.jobs.actions import run_pending

    run = ask_trial(people[CLERK], evaluation, at=_moment(evaluation.year + 1, 4, 15))
    run_pending()
    run.refresh_from_db()
    assert run.state == "done", run.error
    return run


def _sign(evaluation: Evaluation, people: dict[str, User]) -> None:
    from muheng.web.evaluation.actions.signing import sign

    final = _finish(evaluation, _try_out(evaluation, people), people)
    sign(people[LEADER], final, at=_moment(evaluation.year + 1, 6, 10))


def finish() -> None:
    """On a filled site: from this year's newest trial to the final run, which waits for its signature."""
    import django

    django.setup()
    from muheng.web.evaluation.models import Evaluation, Run
    from muheng.web.people.models import User

    evaluation = Evaluation.objects.get(year=YEAR)
    trial = evaluation.runs.filter(kind=Run.Kind.TRIAL, state=Run.State.DONE).latest("number")
    _finish(evaluation, trial, {person.username: person for person in User.objects.all()})


def _finish(evaluation: Evaluation, trial: Run, people: dict[str, User]) -> Run:
    from muheng.web.evaluation.actions.review import choose, close_publicity, publish, review
    from muheng.web.evaluation.actions.running import ask_final
    from muheng.web.jobs.actions import run_pending

    clerk, year = people[CLERK], evaluation.year + 1
    choose(clerk, evaluation, trial)
    review(people[CHIEF], trial, True, at=_moment(year, 4, 20))
    publish(clerk, evaluation, 7, at=_moment(year, 4, 21))
    close_publicity(clerk, evaluation, at=_moment(year, 5, 20))
    run = ask_final(clerk, evaluation, at=_moment(year, 5, 21))
    run_pending()
    run.refresh_from_db()
    assert run.state == "done", run.error
    return run


def _moment(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


def copy_pack(folder: Path) -> Path:
    """The demo city's pack with one layout more, of the wide workbook; the folder of the copy. Policies stay behind."""
    import shutil

    from muheng.cities.demo import LARGE_LAYOUT
    from muheng.cities.pack import find_pack

    source = find_pack("maanshan")
    made = shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("policies"))
    (made / "layouts").mkdir(exist_ok=True)
    shutil.copyfile(LARGE_LAYOUT, made / "layouts" / LARGE_LAYOUT.name)
    return made


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make_city(int(sys.argv[2]))
    else:
        finish()
