"""A visit is one thread of cases: hazards, their proposals and orders, demands. Sent twice, it is one visit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections

from muheng.web.casework.models import Case
from muheng.web.casework.queries import visible_cases
from muheng.web.liaison import queries, visiting
from muheng.web.liaison.models import SentDraft
from muheng.web.liaison.visiting import FoundHazard, Heard, Photo, Report
from muheng.web.refusal import Refused
from muheng.web.registry.timeline import events_of
from web.liaison.conftest import NOW, TODAY, Town
from web.liaison.pictures import PLACE, make_jpeg


def report(town: Town, number: int = 0, **changed: Any) -> Report:
    plain = Report(town.enterprise(number), TODAY, "上门走访", seen="看了喷漆线和危废库。")
    return replace(plain, **changed)


LEAK = FoundHazard(
    "危废贮存库导流沟堵塞",
    "hazardous",
    severity="较大",
    spot="危废库东侧",
    proposal="清理导流沟，设围堰。\n每周检查一次。",
    limit="limited",
    photos=(Photo("IMG_1.JPG", make_jpeg()),),
)
WORKERS = Heard("缺焊工八名", "labour", "三季度订单增加，招了两个月没招到。")


def test_a_visit_opens_its_thread(town: Town) -> None:
    town.pair(0, town.east)
    visit = visiting.record_visit(town.east, report(town, hazards=(LEAK,), demands=(WORKERS,), met="吴经理"))
    assert (visit.state, visit.handler, visit.opener) == ("made", town.east, town.east)
    children = {case.type: case for case in visit.children.all()}
    assert set(children) == {"hazard", "demand"}
    hazard, demand = children["hazard"], children["demand"]
    assert (hazard.state, hazard.kind, hazard.fields["severity"]) == ("rectifying", "hazardous", "较大")
    assert hazard.handler == town.east
    below = {case.type: case for case in hazard.children.all()}
    assert below["proposal"].title == "清理导流沟，设围堰。"
    assert below["proposal"].fields["detail"].endswith("每周检查一次。")
    assert (below["rectification"].kind, below["rectification"].due) == (
        "limited",
        TODAY + timedelta(days=30),
    )
    assert (demand.kind, demand.fields["source"], demand.state) == ("labour", "走访发现", "submitted")
    assert demand.organisation == town.people.counties[0]
    assert {case.thread_id for case in (hazard, demand, *below.values())} == {visit.pk}


def test_photos_lose_what_the_camera_noted(town: Town) -> None:
    photo = Photo("现场.jpg", make_jpeg())
    visit = visiting.record_visit(town.roving, report(town, photos=(photo,), hazards=(LEAK,)))
    kept = [*visit.files.all(), *visit.children.get(type="hazard").files.all()]
    assert [(each.label, each.stored.name) for each in kept] == [
        ("现场照片", "现场.jpg"),
        ("整改前照片", "IMG_1.jpg"),
    ]
    assert all(PLACE not in each.stored.path.read_bytes() for each in kept)


def test_who_was_met_can_be_erased(town: Town) -> None:
    visit = visiting.record_visit(town.roving, report(town, met="吴经理 13800000000"))
    assert visit.fields["met"] is True
    assert visit.personal.get().value == "吴经理 13800000000"
    assert "13800000000" not in str([event.data for event in visit.events.all()])


def test_a_visit_without_findings_is_done_with(town: Town) -> None:
    visit = visiting.record_visit(town.roving, report(town))
    assert (visit.phase, visit.live) == (Case.Phase.CLOSED, False)
    titles = [event.title for event in events_of(town.enterprise(0), town.chief)]
    assert "走访：走访东山精工机械有限公司" in titles


def test_a_planned_visit_is_the_one_that_is_recorded(town: Town) -> None:
    from muheng.web.casework.actions import open_case

    planned = open_case(
        town.roving,
        "visit",
        "走访",
        enterprise=town.enterprise(0),
        handler=town.roving,
        part="opener",
        at=NOW,
    )
    assert queries.visits_of([town.enterprise(0).pk])[town.enterprise(0).pk] == []
    assert visiting.record_visit(town.roving, report(town)) == planned


# -- once ------------------------------------------------------------------------------------------------


def test_sent_twice_is_one_visit(town: Town) -> None:
    first = visiting.record_visit(town.roving, report(town, hazards=(LEAK,)), key="a" * 32)
    again = visiting.record_visit(town.roving, report(town, hazards=(LEAK,)), key="a" * 32)
    assert first == again
    assert Case.objects.filter(type="visit").count() == 1
    assert Case.objects.filter(type="hazard").count() == 1
    other = visiting.record_visit(town.roving, report(town), key="b" * 32)
    assert other != first


def test_a_key_is_each_officers_own(town: Town) -> None:
    town.pair(0, town.east)
    first = visiting.record_visit(town.roving, report(town), key="a" * 32)
    assert visiting.record_visit(town.east, report(town), key="a" * 32) != first


def test_a_refused_draft_may_be_sent_again(town: Town) -> None:
    wrong = replace(LEAK, kind="")
    with pytest.raises(Refused) as refused:
        visiting.record_visit(town.roving, report(town, hazards=(LEAK, wrong)), key="a" * 32)
    assert refused.value.at == "hazard-1-kind"
    assert not SentDraft.objects.exists()
    assert not Case.objects.exists()
    assert visiting.record_visit(town.roving, report(town, hazards=(LEAK,)), key="a" * 32)


@pytest.mark.django_db(transaction=True)
def test_sent_twice_at_one_moment_is_one_visit(
    transactional_db: None, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two threads with connections of their own: the second waits for the first, and has its case."""
    begun = threading.Barrier(2, timeout=20)
    plain = visiting._find_sent
    asked: set[int] = set()

    def find(actor: Any, key: str) -> Any:
        found = plain(actor, key)
        if threading.get_ident() not in asked:
            asked.add(threading.get_ident())
            begun.wait()
        return found

    monkeypatch.setattr(visiting, "_find_sent", find)
    found: list[Any] = []

    def go() -> None:
        try:
            found.append(visiting.record_visit(town.roving, report(town), key="c" * 32).number)
        except Exception as error:  # told below
            found.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=go) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(set(map(str, found))) == 1, found
    assert len(found) == 2
    assert Case.objects.filter(type="visit").count() == 1
    assert connection.vendor in ("sqlite", "postgresql")


# -- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "at"),
    [
        ({"day": TODAY + timedelta(days=1)}, "day"),
        ({"day": date(2024, 1, 1)}, "day"),
        ({"way": "微信"}, "way"),
        ({"seen": " "}, "seen"),
        ({"hazards": (replace(LEAK, title=""),)}, "hazard-0-title"),
        ({"hazards": (replace(LEAK, kind="smell"),)}, "hazard-0-kind"),
        ({"hazards": (replace(LEAK, limit="soon"),)}, "hazard-0-limit"),
        ({"hazards": (replace(LEAK, proposal_kind="?"),)}, "hazard-0-proposal_kind"),
        ({"hazards": (replace(LEAK, photos=(Photo("a.jpg", b"%PDF"),)),)}, "hazard-0-photo"),
        ({"photos": (Photo("a.jpg", b"\xff\xd8\xff"),)}, "photo"),
        ({"demands": (replace(WORKERS, kind=""),)}, "demand-0-kind"),
        ({"demands": (replace(WORKERS, title=""),)}, "demand-0-title"),
    ],
)
def test_a_mistake_names_its_field_and_nothing_is_kept(town: Town, changed: dict[str, Any], at: str) -> None:
    with pytest.raises(Refused) as refused:
        visiting.record_visit(town.roving, report(town, **changed))
    assert (refused.value.status, refused.value.at) == (422, at)
    assert not Case.objects.exists()


def test_only_who_looks_after_it_or_after_its_place(town: Town) -> None:
    for person in (town.people.leader, town.people.owner, town.people.data_clerk):
        with pytest.raises(Refused) as refused:
            visiting.record_visit(person, report(town))
        assert refused.value.status == 403
    with pytest.raises(Refused) as refused:
        visiting.record_visit(town.east, report(town, 11))
    assert refused.value.status == 404


# -- sight -----------------------------------------------------------------------------------------------


def test_an_officer_sees_the_cases_of_their_enterprises(
    town: Town, clock: Callable[[datetime], None]
) -> None:
    town.pair(0, town.east)
    case = visiting.record_visit(town.roving, report(town, hazards=(LEAK,)))
    assert case in visible_cases(town.east)
    assert case.children.get() in visible_cases(town.east)
    other = visiting.record_visit(town.roving, report(town, 11))
    assert other not in visible_cases(town.east)
    assert other in visible_cases(town.people.other_county_clerk)
    assert case not in visible_cases(town.people.other_county_clerk)


# -- what is owed ----------------------------------------------------------------------------------------


def test_what_is_owed_follows_the_visits(town: Town) -> None:
    town.pair(0, town.east, date(2026, 7, 1))
    town.pair(1, town.east, date(2026, 7, 1))
    town.pair(2, town.east)
    visiting.record_visit(town.east, report(town, 0, day=date(2026, 9, 2), hazards=(LEAK,)))
    visiting.record_visit(town.east, report(town, 2, way="电话"))
    owed = {each.enterprise: each for each in queries.reckon_all(queries.own_pairings(town.east), TODAY)}
    assert [owed[town.enterprise(n)].duty.urgency for n in (0, 1, 2)] == [
        "this_period",
        "overdue",
        "this_period",
    ]
    assert owed[town.enterprise(0)].hazards == 1
    assert owed[town.enterprise(1)].days_late == (TODAY - date(2026, 9, 30)).days
    assert owed[town.enterprise(2)].duty.last is not None
    rows = queries.tally(list(owed.values()), "county")
    assert [(row.title, row.enterprises, row.overdue, row.to_visit) for row in rows] == [("东山区", 3, 1, 3)]
    assert [row.title for row in queries.tally(list(owed.values()), "officer")] == ["联络沈"]


def test_what_is_owed_costs_few_queries(town: Town, django_assert_max_num_queries: Any) -> None:
    for number in range(7):
        town.pair(number, town.east if number % 2 else town.roving)
    with django_assert_max_num_queries(5):
        assert len(queries.reckon_all(queries.live(queries.pairings_for(town.chief)), TODAY)) == 7
