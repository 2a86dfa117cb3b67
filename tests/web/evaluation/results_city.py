"""Results to look at: some hundred enterprises of the demo city in the tests' small city, and a run of their evaluation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import polars as pl

from muheng.cities.demo import make_demo
from muheng.cities.pack import load_pack
from muheng.intake.facts import CODE, NAME, Facts, facts_from_decimals
from muheng.intake.layout import load_layouts
from muheng.web.evaluation.actions.roster import open_evaluation
from muheng.web.evaluation.actions.running import ask_trial
from muheng.web.evaluation.models import Evaluation, Run
from muheng.web.jobs.actions import run_pending
from muheng.web.people.models import User
from muheng.web.policy.actions import take_shipped
from muheng.web.policy.models import PolicyVersion
from muheng.web.registry.actions import represent
from muheng.web.registry.loading import Newcomer, load_enterprises, read_places
from muheng.web.registry.models import Enterprise
from muheng.web.registry.panels import add_layer
from web.population import Population, make_city

YEAR = 2025
MANY = 160
PARK = "东山开发区"


@cache
def read_demo() -> Facts:
    """The first enterprises of the demo city and their figures."""
    pack, _found = load_pack("maanshan")
    assert pack is not None
    city = make_demo(pack, 1, YEAR)
    layouts, _found = load_layouts(pack.layouts)
    items = {name: item for layout in layouts for name, item in layout.items().items()}
    facts = facts_from_decimals(city.truth, items, YEAR, file="宽表.xlsx", sheet="宽表")
    # Those of one parcel stay together.
    kept = facts.frame.head(MANY)
    groups = kept["合并组"].drop_nulls().unique()
    frame = facts.frame.filter(
        pl.col(CODE).is_in(kept[CODE].implode()) | pl.col("合并组").is_in(groups.implode())
    )
    return replace(facts, frame=frame)


@dataclass(frozen=True)
class Results:
    """``people`` of the small city; ``inside``: codes of its first county; ``own``: what ``owner`` acts for."""

    people: Population
    evaluation: Evaluation
    run: Run
    policy: PolicyVersion
    inside: frozenset[str]
    own: Enterprise
    other: Enterprise

    def address(self, rest: str = "", run: Run | None = None) -> str:
        number = (run or self.run).number
        return f"/evaluations/{self.evaluation.pk}/runs/{number}/{rest}"


def make_results() -> Results:
    """Every second enterprise lies in the first county, every eighth in its park."""
    people = make_city()
    facts = read_demo()
    rows = list(facts.frame.select(CODE, NAME).iter_rows())
    places = read_places()
    townships = people.townships
    load_enterprises(
        (
            Newcomer(
                code=code,
                name=name,
                county=people.counties[at % 2].name,
                township=townships[at % 2 * 2 + at // 2 % 2].name,
                parks=(PARK,) if at % 8 == 0 else (),
            )
            for at, (code, name) in enumerate(rows)
        ),
        places,
    )
    inside = frozenset(code for at, (code, _name) in enumerate(rows) if at % 2 == 0)
    own = Enterprise.objects.get(code=rows[4][0])
    represent(None, people.owner, own)
    add_layer(facts, "2025 年数据", "test", None)
    pack, _found = load_pack("maanshan")
    assert pack is not None
    take_shipped(pack)
    policy = PolicyVersion.objects.get(document__slug="ah-maanshan-demo")
    evaluation = open_evaluation(people.clerk, YEAR, "2025年度评价", people.department, policy)
    run_pending()
    evaluation.refresh_from_db()
    return Results(
        people,
        evaluation,
        try_run(people.clerk, evaluation),
        policy,
        inside,
        own,
        Enterprise.objects.get(code=rows[5][0]),
    )


def try_run(actor: User, evaluation: Evaluation, title: str = "第一次试算", text: str = "") -> Run:
    """A trial, computed."""
    run = ask_trial(actor, evaluation, title, text=text)
    run_pending()
    run.refresh_from_db()
    assert run.state == Run.State.DONE, run.error
    return run
