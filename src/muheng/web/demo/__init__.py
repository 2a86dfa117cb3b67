"""A demo city on the site: synthetic enterprises, and what is done with them by synthetic people.

Ma'anshan has every room: five years of figures, a procedure in mid-course, casework. Other cities have enterprises and
casework. Everything goes through the rooms' actions, as the demo's persons, on days that lie before today. Nothing here is real.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from muheng.cities.demo import DemoRegistry, make_registry
from muheng.cities.demo.casework import make_casework
from muheng.cities.pack import Pack, find_pack, load_pack
from muheng.documents.message import say
from muheng.web.audit.actions import record
from muheng.web.audit.models import Entry
from muheng.web.casework.sweep import sweep
from muheng.web.demo import (
    casework,
    county_round,
    earlier_years,
    emergency,
    filings,
    intake_batches,
    methods,
    monitoring,
    persons,
    procedure,
)
from muheng.web.people.actions import found_city
from muheng.web.people.models import Organisation, User
from muheng.web.registry.loading import load_registry
from muheng.web.serving import Login

CITY, SEED, YEAR = "maanshan", 1, 2025
LOADED = "demo.loaded"

Tell = Callable[[str], None]


def logins() -> list[Login]:
    """Who can log in, as the terminal shows it: those of them that the city has."""
    shown = [
        (say("经办人"), persons.CLERK),
        (say("分管领导"), persons.LEADER),
        (say("企业"), persons.OWNER),
        (say("联络员"), persons.LIAISON) if settings.CITY == CITY else (say("诉求受理岗"), persons.DESK),
        (say("大气环境管理员"), emergency.AIR),
        (say("自动监控管理员"), monitoring.MONITOR),
        (say("列入应急减排清单的企业"), emergency.PLANT),
    ]
    return [Login(who, username, persons.PASSWORD) for who, username in shown]


def is_loaded() -> bool:
    """Whether the site holds the whole demo."""
    return Entry.objects.filter(verb=LOADED).exists()


@transaction.atomic
def load_demo(tell: Tell = print) -> None:
    """Put the demo of the site's city into an empty site, whole or not at all; where it is there, nothing happens."""
    if is_loaded():
        return
    began = monotonic()

    def step(what: str) -> None:
        tell(f"  {monotonic() - began:5.1f} s  {what}")

    pack = _pack(settings.CITY)
    step("造出演示城市")
    registry = make_registry(pack, SEED, YEAR)
    step("机构和人员")
    root = found_city(pack.city)
    if pack.id == CITY:
        actor = _load_every_room(pack, registry, root, step)
    else:
        actor = _load_casework_only(pack, registry, root, step)
    if (pack.folder / "emergency.toml").exists():
        step("应急减排清单、方案、一次重污染过程")
        emergency.load_emergency(pack, registry, root, SEED)
        step("自动监控：两个月的数据、事件和处置")
        monitoring.load_monitoring(root, SEED)
    record(actor, LOADED, root, city=pack.id, seed=SEED, year=YEAR)
    step("完成")


def _load_every_room(pack: Pack, registry: DemoRegistry, root: Organisation, step: Tell) -> User:
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
    step("诉求、结对、走访、隐患")
    _load_casework(pack, registry, root, people.chief, owners.enterprise.code)
    return people.clerk


def _load_casework_only(pack: Pack, registry: DemoRegistry, root: Organisation, step: Tell) -> User:
    step("企业档案、土地、设施")
    load_registry(registry)
    step("诉求、审核、供需")
    return _load_casework(pack, registry, root, None, None)


def _load_casework(
    pack: Pack, registry: DemoRegistry, root: Organisation, actor: User | None, owner: str | None
) -> User:
    """Gives who did it: ``actor``, or the demo's clerk."""
    work = make_casework(pack, registry, SEED, timezone.localdate(), owner)
    people = casework.take_persons(work, root, persons.PASSWORD)
    actor = actor or people[persons.CLERK]
    if owner is None:
        casework.take_owner(work, people, actor)
    casework.load_casework(work, people, actor)
    casework.write_texts(people, root)
    casework.load_exchanges(work.exchanges, root, actor)
    sweep()  # what is late today has been told of
    return actor


def _pack(city: str) -> Pack:
    pack, found = load_pack(find_pack(city))
    if pack is None:
        raise ValueError(found)
    return pack
