"""Who looks after whom: by hand, by proposal, with the history kept."""

from __future__ import annotations

from datetime import date

import pytest
from django.http import QueryDict

from muheng.web.audit.actions import find_break
from muheng.web.audit.models import Entry
from muheng.web.liaison import actions, arranging, queries
from muheng.web.liaison.models import Pairing
from muheng.web.people.actions import appoint, make_person
from muheng.web.people.models import Role
from muheng.web.refusal import Refused
from muheng.web.registry.timeline import events_of
from web.liaison.conftest import NOW, TODAY, Town


def test_a_pairing_is_made_moved_and_ended_and_nothing_is_forgotten(town: Town) -> None:
    first = town.enterprise(0)
    made = actions.pair(town.chief, first, town.east, reason="环企直通车")
    assert (made.since, made.office, made.until) == (TODAY, town.people.counties[0], None)
    actions.move(town.chief, first, town.east_too, reason="岗位调整", seen=town.east.pk)
    ended = actions.end_pairing(town.chief, first, reason="企业搬迁")
    assert ended.officer == town.east_too
    rows = list(Pairing.objects.filter(enterprise=first).order_by("pk"))
    assert [(row.officer, row.until, row.end_reason) for row in rows] == [
        (town.east, TODAY, "岗位调整"),
        (town.east_too, TODAY, "企业搬迁"),
    ]
    assert queries.officer_of(first) is None
    verbs = list(Entry.objects.filter(verb__startswith="liaison.").values_list("verb", flat=True))
    assert sorted(verbs) == ["liaison.end", "liaison.end", "liaison.pair", "liaison.pair"]
    assert find_break() is None
    titles = [event.title for event in events_of(first, town.chief) if event.kind == "liaison"]
    assert titles.count("由联络沈（东山区）联系") == 1
    assert "联络韩不再联系" in titles


def test_an_enterprise_in_two_pairings_is_refused(town: Town) -> None:
    town.pair(0, town.east)
    with pytest.raises(Refused, match="已由联络沈联系") as refused:
        actions.pair(town.chief, town.enterprise(0), town.east_too)
    assert refused.value.code == "paired"
    assert Pairing.objects.count() == 1


def test_no_two_pairings_at_one_time_in_the_past_either(town: Town) -> None:
    town.pair(0, town.east, date(2026, 7, 1))
    actions.end_pairing(town.chief, town.enterprise(0), reason="到期", until=date(2026, 10, 1))
    with pytest.raises(Refused, match="还由联络沈联系"):
        actions.pair(town.chief, town.enterprise(0), town.east_too, since=date(2026, 9, 1))
    made = actions.pair(town.chief, town.enterprise(0), town.east_too, since=date(2026, 10, 1))
    assert made.since == date(2026, 10, 1)


def test_the_database_holds_one_officer_an_enterprise(town: Town) -> None:
    from django.db import IntegrityError, transaction

    held = town.pair(0, town.east)
    with pytest.raises(IntegrityError), transaction.atomic():
        Pairing.objects.create(
            enterprise=held.enterprise, officer=town.roving, office=held.office, since=TODAY, made_at=NOW
        )


def test_who_saw_another_officer_is_told(town: Town) -> None:
    town.pair(0, town.east)
    actions.move(town.chief, town.enterprise(0), town.roving, seen=town.east.pk)
    with pytest.raises(Refused, match="刚刚改由联络杨联系"):
        actions.move(town.chief, town.enterprise(0), town.east_too, seen=town.east.pk)


def test_only_who_may_arrange_and_only_their_place(town: Town) -> None:
    first, far = town.enterprise(0), town.enterprise(11)
    with pytest.raises(Refused) as refused:
        actions.pair(town.east, first, town.east)
    assert refused.value.status == 403
    head = make_person("county_head", "东山局长", "muheng2026")
    appoint(head, Role.objects.get(code="section_chief"), town.people.counties[0])
    assert actions.pair(head, first, town.east).officer == town.east
    with pytest.raises(Refused) as refused:
        actions.pair(head, far, town.roving)
    assert refused.value.status == 404
    with pytest.raises(Refused, match="不负责"):
        actions.pair(town.chief, far, town.east)
    with pytest.raises(Refused, match="没有走访企业的权限"):
        actions.pair(town.chief, town.enterprise(1), town.people.leader)


def test_nobody_gets_more_than_the_rule_allows(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from muheng.liaison.rules import PairingRule
    from muheng.web.liaison.rules import city_rules

    few = city_rules().model_copy(update={"pairing": PairingRule(most=1)})
    monkeypatch.setattr(actions, "city_rules", lambda: few)
    town.pair(0, town.east)
    with pytest.raises(Refused, match="最多 1 户"):
        actions.pair(town.chief, town.enterprise(1), town.east)


# -- the proposal --------------------------------------------------------------------------------------


def wish(town: Town, **asked: str) -> arranging.Wish:
    text = "&".join(
        [f"officer={each.pk}" for each in (town.east, town.east_too, town.roving)]
        + [f"{name}={value}" for name, value in asked.items()]
    )
    return arranging.read_wish(QueryDict(text))


def test_a_proposal_spreads_evenly_where_each_may_go(town: Town) -> None:
    proposal = arranging.propose(town.chief, wish(town, add="1"))
    assert [load.after for load in proposal.loads] == [4, 3, 5] or sorted(
        load.after for load in proposal.loads
    ) == [3, 4, 5]
    west = {line.officer for line in proposal.lines if line.enterprise.county == town.people.counties[1]}
    assert west == {town.roving}
    assert not Pairing.objects.exists()
    done = arranging.adopt(town.chief, wish(town, add="1"), proposal.mark, "首次结对")
    assert done == {"new": 12, "moved": 0, "kept": 0}
    again = arranging.propose(town.chief, wish(town))
    assert again.counts == {"kept": 12, "moved": 0, "new": 0}


def test_what_is_adopted_is_what_was_looked_at(town: Town) -> None:
    asked = wish(town, add="1")
    mark = arranging.propose(town.chief, asked).mark
    town.pair(0, town.roving)
    with pytest.raises(Refused, match="方案也变了"):
        arranging.adopt(town.chief, asked, mark, "")
    assert Pairing.objects.count() == 1


def test_when_somebody_leaves_only_theirs_move(town: Town) -> None:
    asked = wish(town, add="1")
    arranging.adopt(town.chief, asked, arranging.propose(town.chief, asked).mark, "首次结对")
    theirs = Pairing.objects.filter(officer=town.east_too, until=None).count()
    rest = arranging.read_wish(QueryDict(f"officer={town.east.pk}&officer={town.roving.pk}"))
    proposal = arranging.propose(town.chief, rest)
    assert proposal.counts["moved"] == theirs
    arranging.adopt(town.chief, rest, proposal.mark, "联络韩调离")
    assert not Pairing.objects.filter(officer=town.east_too, until=None).exists()
    assert Pairing.objects.filter(until=None).count() == 12


def test_codes_that_nobody_has_are_named(town: Town) -> None:
    with pytest.raises(Refused, match="91340500MA0000099X"):
        arranging.propose(town.chief, wish(town, codes="91340500MA0000099X"))
    only = arranging.propose(town.chief, wish(town, codes=town.enterprise(3).code))
    assert [line.enterprise for line in only.lines] == [town.enterprise(3)]
    with pytest.raises(Refused, match="没有选出企业"):
        arranging.propose(town.chief, wish(town))
    with pytest.raises(Refused, match="至少一名"):
        arranging.propose(town.chief, arranging.read_wish(QueryDict("add=1")))
