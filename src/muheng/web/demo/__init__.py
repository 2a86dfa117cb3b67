"""The demo city on the site: Ma'anshan's synthetic enterprises, five years of figures, and a procedure in mid-course.

Everything goes through the rooms' actions, as the demo's persons, on days that lie before today. Nothing here is real.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from django.db import transaction

from muheng.cities.demo import make_registry
from muheng.cities.pack import Pack, find_pack, load_pack
from muheng.documents.message import say
from muheng.web.audit.actions import record
from muheng.web.audit.models import Entry
from muheng.web.demo import (
    county_round,
    earlier_years,
    filings,
    intake_batches,
    methods,
    persons,
    procedure,
)
from muheng.web.people.actions import found_city
from muheng.web.registry.loading import load_registry
from muheng.web.serving import Login

CITY, SEED, YEAR = "maanshan", 1, 2025
LOADED = "demo.loaded"

LOGINS = [
    Login(say("经办人"), persons.CLERK, persons.PASSWORD),
    Login(say("分管领导"), persons.LEADER, persons.PASSWORD),
    Login(say("企业"), persons.OWNER, persons.PASSWORD),
]

Tell = Callable[[str], None]


def is_loaded() -> bool:
    """Whether the site holds the whole demo."""
    return Entry.objects.filter(verb=LOADED).exists()


@transaction.atomic
def load_demo(tell: Tell = print) -> None:
    """Put the demo city into an empty site, whole or not at all; where it is there already, nothing happens."""
    if is_loaded():
        return
    began = monotonic()

    def step(what: str) -> None:
        tell(f"  {monotonic() - began:5.1f} s  {what}")

    pack = _pack()
    step("造出演示城市")
    registry = make_registry(pack, SEED, YEAR)
    step("机构和人员")
    root = found_city(pack.city)
    people = persons.appoint_all(root)
    step("企业档案、土地、设施")
    load_registry(registry, people.clerk)
    step("评价办法")
    policy = methods.take_methods(people)
    for year in sorted(registry.yearly):
        step(f"{year} 年数据和评价")
        earlier_years.evaluate_year(people, policy, registry, year)
    step(f"{YEAR} 年各部门数据")
    intake_batches.take_batches(people, registry)
    step(f"{YEAR} 年评价：确认、试算、公示")
    evaluation = procedure.run_procedure(people, policy, registry)
    step("企业账号")
    owners = persons.choose_owners(people, registry, evaluation)
    step("当涂县评价：企业确认")
    county_round.open_round(people, policy, registry, owners)
    step("月度填报")
    filings.take_filings(people, registry, owners)
    step("待核对的一批数据")
    intake_batches.leave_one_waiting(people, registry)
    record(people.clerk, LOADED, root, city=CITY, seed=SEED, year=YEAR)
    step("完成")


def _pack() -> Pack:
    folder = find_pack(CITY)
    pack, found = load_pack(folder)
    if pack is None:
        raise ValueError(found)
    return pack
