"""The demo's casework on the site: accounts, pairings, cases with their histories, what is matched and who met.

Histories go in whole (``casework.loading`` replays each); everything else goes through the rooms' actions. What happened
in the last days is told, and what the clocks call for today is written down by the sweep.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from importlib.resources import files
from typing import Any

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from muheng.cities.demo.casework import DemoCasework
from muheng.cities.demo.exchanges import DemoExchanges
from muheng.cities.demo.stories import DemoCase
from muheng.liaison.week import monday_of
from muheng.web.casework.loading import EventGiven, History, load_histories
from muheng.web.casework.models import Case
from muheng.web.casework.templates import SET, write_template
from muheng.web.casework.writing import Attachment
from muheng.web.demo.days import moment, working_day_of
from muheng.web.files.actions import store
from muheng.web.files.models import StoredFile
from muheng.web.liaison.actions import keep_week, pair
from muheng.web.matching.actions.credits import grant_credit, lend, repay
from muheng.web.matching.actions.gatherings import hand_out, hold_gathering, plan_gathering, sign_in
from muheng.web.matching.actions.introductions import advance, introduce
from muheng.web.matching.actions.needs import NeedTerms, file_need
from muheng.web.matching.actions.suppliers import OfferTerms, add_offer, add_supplier, add_tags
from muheng.web.matching.models import Introduction, Need, Offer, Supplier
from muheng.web.people.actions import appoint, make_person, take_roles
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import holds
from muheng.web.registry.actions import represent
from muheng.web.registry.models import Enterprise

TOLD = timedelta(days=4)
"""What happened within it is told to whom it concerns; older things are history."""
_PER_DAY = 2


def take_persons(casework: DemoCasework, root: Organisation, password: str) -> dict[str, User]:
    """The accounts of the demo's casework, those that were there already among them, by name."""
    roles = take_roles()
    # Hashing is slow on purpose, and these accounts all have one password that everybody knows.
    hashed = make_password(password)
    there = {user.username: user for user in User.objects.all()}
    for person in casework.persons:
        if person.username in there:
            continue
        made = make_person(person.username, person.name, None, english=person.english, post=person.post)
        made.password = hashed
        made.save(update_fields=("password",))
        if person.role:
            office = _offices()[person.office] if person.office else root
            appoint(made, roles[person.role], office)
        there[person.username] = made
    return there


def load_casework(casework: DemoCasework, people: Mapping[str, User], actor: User) -> dict[str, Case]:
    """Pairings, then all cases by their keys; loading again adds nothing."""
    enterprises = _enterprises({case.code for case in casework.cases if case.code is not None})
    _pair(casework, people, actor)
    stored = {name: store(content, name, actor) for name, content in casework.files.items()}
    offices = _offices()
    histories = [_history(case, people, enterprises, offices, stored) for case in casework.cases]
    cases = load_histories(histories, actor, tell=timezone.now() - TOLD)
    return {source.removeprefix(_SOURCE): case for source, case in cases.items()}


def write_texts(people: Mapping[str, User], root: Organisation) -> None:
    """The answers that are often given, by somebody who may set them for the city."""
    author = next((person for person in people.values() if holds(person, SET, root)), None)
    if author is None:
        return
    listed = files("muheng.cities").joinpath("common", "demo", "answers.toml").read_text(encoding="utf-8")
    for each in tomllib.loads(listed)["answer"]:
        write_template(author, root, "demand", each["title"], each["text"], each.get("kind", ""))


def load_exchanges(exchanges: DemoExchanges, root: Organisation, actor: User) -> None:
    """Suppliers with their offers, needs, credit, gatherings."""
    _match(exchanges, root, actor)
    _lend(exchanges, actor)
    _gather(exchanges, root, actor)


# -- who is who ------------------------------------------------------------------------------------------


def take_owner(casework: DemoCasework, people: Mapping[str, User], actor: User) -> None:
    """The demo's account for enterprises acts for its enterprise."""
    if casework.owner is not None and "enterprise" in people:
        represent(actor, people["enterprise"], Enterprise.objects.get(code=casework.owner))


def _offices() -> dict[str, Organisation]:
    return {each.name: each for each in Organisation.objects.filter(kind=Organisation.Kind.DEPARTMENT)}


def _enterprises(codes: Iterable[str]) -> dict[str, Enterprise]:
    rows = Enterprise.objects.filter(code__in=set(codes)).select_related("county", "township")
    return {row.code: row for row in rows}


def _pair(casework: DemoCasework, people: Mapping[str, User], actor: User) -> None:
    enterprises, offices = _enterprises(each.code for each in casework.pairings), _offices()
    for each in casework.pairings:
        pair(
            actor,
            enterprises[each.code],
            people[each.officer],
            since=each.since,
            office=offices[each.office],
            reason="环企直通车结对服务",
            at=moment(each.since, 9),
        )
    for officer in {each.officer for each in casework.pairings}:
        own = [enterprises[each.code] for each in casework.pairings if each.officer == officer]
        _plan_week(people[officer], own, casework.today)


def _plan_week(officer: User, own: list[Enterprise], today: date) -> None:
    """Some of the officer's enterprises on each working day of this week."""
    monday = monday_of(today)
    days = {}
    waiting = iter(own)
    for number in range(1, 6):
        day = working_day_of(monday, number)
        if day < monday + timedelta(days=7):
            days[day] = [each for each, _count in zip(waiting, range(_PER_DAY), strict=False)]
    keep_week(officer, officer, monday, days)


# -- cases -----------------------------------------------------------------------------------------------

_SOURCE = "demo:"


def _history(
    case: DemoCase,
    people: Mapping[str, User],
    enterprises: Mapping[str, Enterprise],
    offices: Mapping[str, Organisation],
    files: Mapping[str, StoredFile],
) -> History:
    events = []
    for event in case.events:
        data: dict[str, Any] = dict(event.data)
        if "organisation" in data:
            data["organisation"] = offices[data["organisation"]].pk
        if "handler" in data:
            data["handler"] = people[data["handler"]].pk
        if event.act == "open":
            data["fields"] = {**data["fields"], **case.personal}
        if "child" in data:
            given = data["child"] if isinstance(data["child"], list) else [data["child"]]
            data["child"] = [{**child, "case": f"{_SOURCE}{child['case']}"} for child in given]
        if "cases" in data:
            data["cases"] = [f"{_SOURCE}{key}" for key in data["cases"]]
        attached = [Attachment(files[file["name"]], file["label"]) for file in data.pop("files", ())]
        actor = people[event.who] if event.who is not None else None
        events.append(EventGiven(event.at, event.act, event.part, actor, data, attached))  # type: ignore[arg-type]
    return History(
        source=f"{_SOURCE}{case.key}",
        type=case.type,
        title=case.title,
        events=events,
        enterprise=enterprises[case.code] if case.code is not None else None,
        parent=f"{_SOURCE}{case.parent}" if case.parent is not None else "",
    )


# -- what is matched -------------------------------------------------------------------------------------


def _match(exchanges: DemoExchanges, root: Organisation, actor: User) -> None:
    offers = _take_suppliers(exchanges, root, actor)
    enterprises = _enterprises(each.code for each in exchanges.needs)
    for each in exchanges.needs:
        need = file_need(
            actor,
            enterprises[each.code],
            each.kind,
            NeedTerms(each.title, each.text, each.amount, each.months, tags=each.tags),
            at=moment(each.opened, 10),
        )
        if each.offer is not None:
            _introduce(actor, need, offers[each.offer], each.opened, each.outcome)


def _take_suppliers(exchanges: DemoExchanges, root: Organisation, actor: User) -> dict[str, Offer]:
    """Offers by their keys."""
    offers: dict[str, Offer] = {}
    words: dict[str, set[str]] = {}
    for each in exchanges.suppliers:
        words.setdefault(each.kind, set()).update(tag for offer in each.offers for tag in offer.tags)
    for need in exchanges.needs:
        words.setdefault(need.kind, set()).update(need.tags)
    for kind, names in sorted(words.items()):
        add_tags(actor, kind, sorted(names))
    for each in exchanges.suppliers:
        supplier = add_supplier(actor, each.kind, each.name, keeper=root, about=each.about)
        for offer in each.offers:
            offers[offer.key] = add_offer(
                actor,
                supplier,
                OfferTerms(
                    offer.title,
                    offer.text,
                    offer.least,
                    offer.most,
                    offer.capacity,
                    offer.months,
                    offer.rate,
                    offer.lead_days,
                    industries=offer.industries,
                    statuses=offer.statuses,
                    tags=offer.tags,
                ),
            )
    return offers


def _introduce(actor: User, need: Need, offer: Offer, opened: date, outcome: str) -> None:
    """As far as it came; a step every other working day."""
    states = Introduction.State
    row = introduce(
        actor,
        need,
        offer,
        reason="企业认可，先行对接。",
        on=working_day_of(opened, 3),
        at=moment(working_day_of(opened, 3)),
    )
    steps = {
        "introduced": (),
        "contacted": (states.CONTACTED,),
        "agreed": (states.CONTACTED, states.AGREED),
        "failed": (states.CONTACTED, states.FAILED),
    }[outcome]
    for number, state in enumerate(steps):
        day = working_day_of(opened, 5 + 2 * number)
        note = "费用与工期未谈拢。" if state == states.FAILED else ""
        row = advance(actor, row, state, note=note, on=day, at=moment(day))


def _lend(exchanges: DemoExchanges, actor: User) -> None:
    banks = {each.name: each for each in Supplier.objects.all()}
    names = {each.key: each.name for each in exchanges.suppliers}
    enterprises = _enterprises(each.code for each in exchanges.credits)
    for each in exchanges.credits:
        credit = grant_credit(
            actor,
            enterprises[each.code],
            banks[names[each.bank]],
            each.granted,
            since=each.since,
            document=each.document,
            until=each.until,
            at=moment(each.since),
        )
        for line in each.lines:
            if line.act == "lend":
                lend(actor, credit, line.amount, line.on, at=moment(line.on))
            elif line.of is not None:
                repay(actor, credit, line.of, line.amount, line.on, at=moment(line.on))


def _gather(exchanges: DemoExchanges, root: Organisation, actor: User) -> None:
    counties = {each.name: each for each in Organisation.objects.filter(kind=Organisation.Kind.COUNTY)}
    enterprises = _enterprises(code for each in exchanges.gatherings for code in each.signed)
    for each in exchanges.gatherings:
        gathering = plan_gathering(
            actor,
            each.kind,
            each.title,
            on=each.on,
            place=each.place,
            host=root,
            county=counties.get(each.county or ""),
            at=moment(each.on, 9),
        )
        came = [enterprises[code] for code in each.signed]
        sign_in(actor, gathering, came, persons=each.persons, at=moment(each.on, 9, 30))
        for material in each.materials:
            hand_out(actor, gathering, material.kind, material.title, material.count)
        hold_gathering(actor, gathering, each.heads, at=moment(each.on, 17))
