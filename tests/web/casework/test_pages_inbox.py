"""Inboxes by role: who finds what in which, filters, lists kept by name, many at once, the workbook."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from django.test import Client

from muheng.casework.clock_standing import begin_of
from muheng.web.casework import listing
from muheng.web.casework.actions import act
from muheng.web.casework.models import Case, SavedList
from muheng.web.jobs.actions import run_pending
from muheng.web.people.models import User
from web.casework.offices import Offices, answer, at, hand_over, raise_demand

Login = Callable[[User], Client]


def page(client: Client, rest: str = "") -> str:
    answered = client.get(f"/cases/{rest}")
    assert answered.status_code == 200, answered.status_code
    return answered.content.decode()


def keys(user: User, **asked: Any) -> list[str]:
    found = listing.find_numbers(user, listing.Question(**asked), 0, 50)
    return [row.title for row in listing.read_rows(found)]


def test_each_role_has_its_inboxes(offices: Offices) -> None:
    assert listing.tabs_of(offices.handler) == ["mine", "office", "overdue", "all"]
    assert listing.tabs_of(offices.desk) == ["mine", "desk", "office", "overdue", "all"]
    assert listing.tabs_of(offices.head) == ["overdue", "escalated", "all"]
    assert listing.tabs_of(offices.city.chief) == ["mine", "desk", "office", "overdue", "escalated", "all"]


def test_a_case_goes_from_inbox_to_inbox(offices: Offices) -> None:
    case = raise_demand(offices)
    assert keys(offices.desk, tab="desk") == [case.title]
    assert keys(offices.handler, tab="mine") == []
    hand_over(offices, case)
    assert keys(offices.desk, tab="desk") == []
    assert keys(offices.handler, tab="mine") == [case.title]
    assert keys(offices.colleague, tab="mine") == []
    assert keys(offices.colleague, tab="office") == [case.title]
    answer(offices, case)
    assert keys(offices.handler, tab="mine") == [], "it waits for the enterprise now"
    assert keys(offices.handler, tab="office") == [case.title]
    act(offices.owner, case, "confirm")
    assert keys(offices.handler, tab="office") == []
    assert keys(offices.handler, tab="all") == [case.title]


def test_in_an_office_what_nobody_has_comes_first(offices: Offices) -> None:
    first = hand_over(offices, raise_demand(offices, "有人办"), when=None)
    second = raise_demand(offices, "没人办")
    act(offices.desk, second, "accept")
    act(offices.desk, second, "dispatch", organisation=offices.land)
    assert keys(offices.colleague, tab="office") == ["没人办", first.title]


def test_the_next_due_comes_first_and_a_stopped_clock_last(offices: Offices) -> None:
    paused = hand_over(offices, raise_demand(offices, "停着的", at=at(11, 2)), when=at(11, 2))
    act(offices.desk, paused, "suspend", note="等", reason="不可抗力", at=at(11, 3))
    for title, when in (("晚的", at(11, 18)), ("早的", at(11, 11))):
        hand_over(offices, raise_demand(offices, title, at=when), when=when)
    assert keys(offices.handler, tab="mine") == ["早的", "晚的", "停着的"]


def test_the_heads_see_what_is_late_of_theirs(offices: Offices) -> None:
    late = hand_over(offices, raise_demand(offices, at=at(3, 2)), when=at(3, 3))
    raise_demand(offices, "刚提的")
    for person in (offices.head, offices.leader, offices.handler):
        assert keys(person, tab="overdue") == [late.title], person.name
    assert keys(offices.city.other_county_clerk, tab="overdue") == []
    assert late.turn_at < begin_of(at(11, 1).date())


@pytest.mark.parametrize("who", ["desk", "handler", "head", "leader"])
def test_nothing_is_in_an_inbox_that_cannot_be_opened(offices: Offices, login: Login, who: str) -> None:
    hand_over(offices, raise_demand(offices, at=at(3, 2)), when=at(3, 3))
    raise_demand(offices, "第二件")
    person = getattr(offices, who)
    client = login(person)
    for tab in listing.tabs_of(person):
        for number in listing.find_numbers(person, listing.Question(tab=tab), 0, 50):
            case = Case.objects.get(pk=number)
            assert client.get(f"/cases/{case.number}/").status_code == 200, (tab, case)


def test_others_see_nothing(offices: Offices, login: Login) -> None:
    case = raise_demand(offices)
    other = login(offices.city.other_county_clerk)
    assert case.title not in page(other, "?tab=all")
    for rest in ("", "paper/", "merge/", "split/", "supervise/"):
        assert other.get(f"/cases/{case.number}/{rest}").status_code == 404, rest
    assert other.post(f"/cases/{case.number}/act/", {"act": "accept", "seen": 1}).status_code == 404


def test_an_enterprise_has_its_own_page_instead(offices: Offices, login: Login) -> None:
    owner = login(offices.owner)
    assert owner.get("/cases/").status_code == 302
    for rest in ("lists/", "exports/", "bulk/"):
        assert owner.post(f"/cases/{rest}", {"name": "x", "case": "SQ-1"}).status_code == 403
    assert owner.get("/cases/new/").status_code == 403
    assert owner.get("/cases/new/demand/").status_code == 403
    assert login(offices.desk).get("/cases/mine/").status_code in (403, 404)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"type": "demand"}, True),
        ({"type": "hazard"}, False),
        ({"kind": "land"}, True),
        ({"kind": "money"}, False),
        ({"state": "handling"}, True),
        ({"phase": "closed"}, False),
        ({"q": "红线"}, True),
        ({"q": "东山精工"}, True),
        ({"q": "dsjg"}, True),
        ({"q": "SQ-2026"}, True),
        ({"q": "不相干"}, False),
        ({"since": at(3, 2).date(), "until": at(3, 2).date()}, True),
        ({"since": at(3, 3).date()}, False),
        ({"until": at(3, 1).date()}, False),
        ({"overdue": True}, True),
    ],
)
def test_filters(offices: Offices, asked: dict[str, Any], found: bool) -> None:
    case = hand_over(offices, raise_demand(offices, at=at(3, 2)), when=at(3, 3))
    for person in (offices.desk, offices.handler, offices.leader):
        assert keys(person, **asked) == ([case.title] if found else []), person.name
        assert listing.count(person, listing.Question(**asked)) == int(found)


def test_filters_by_hand_place_and_enterprise(offices: Offices) -> None:
    case = hand_over(offices, raise_demand(offices))
    here = {
        "county": case.county_id,
        "office": offices.land.pk,
        "handler": offices.handler.pk,
        "enterprise": offices.city.enterprises[0].code,
    }
    for name, value in here.items():
        assert keys(offices.leader, **{name: value}) == [case.title], name
        other = "0" if name == "enterprise" else 0
        assert keys(offices.leader, **{name: other}) == [], name


def test_a_list_found_by_several_ways_has_each_case_once_in_order(offices: Offices) -> None:
    """The desk sees them by its county, its office and as opener."""
    city = offices.city
    for number in range(7):
        raise_demand(offices, f"第{number}件", at=at(5, 1 + number))
    from muheng.web.casework.actions import open_case

    open_case(
        offices.desk,
        "demand",
        "代为登记",
        enterprise=city.enterprises[0],
        kind="land",
        fields={"detail": "…"},
        at=at(5, 4, 12),
    )
    whole = keys(offices.desk)
    assert whole == ["第6件", "第5件", "第4件", "代为登记", "第3件", "第2件", "第1件", "第0件"]
    parts = [
        row.title
        for start in range(0, 8, 3)
        for row in listing.read_rows(listing.find_numbers(offices.desk, listing.Question(), start, 3))
    ]
    assert parts == whole


def test_counting_stops(offices: Offices, monkeypatch: pytest.MonkeyPatch, login: Login) -> None:
    for number in range(5):
        raise_demand(offices, f"第{number}件")
    monkeypatch.setattr(listing, "COUNTED", 3)
    assert "3+" in page(login(offices.desk), "?tab=desk")


def test_pages_are_turned(offices: Offices, monkeypatch: pytest.MonkeyPatch, login: Login) -> None:
    for number in range(5):
        raise_demand(offices, f"第{number}件", at=at(5, 1 + number))
    monkeypatch.setattr(listing, "PAGE", 2)
    desk = login(offices.desk)
    first, last = page(desk, "?tab=all"), page(desk, "?tab=all&page=3")
    assert "第 1–2 件，共 5 件" in first
    assert "第4件" in first
    assert "第 5–5 件" in last
    assert "第0件" in last
    assert "下一页" not in last


def test_the_list_costs_the_same_with_more_cases(
    offices: Offices, login: Login, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for number in range(20):
        hand_over(offices, raise_demand(offices, f"第{number}件"))
    for person in (offices.desk, offices.handler, offices.leader):
        client = login(person)
        with django_assert_max_num_queries(45):
            page(client, "?tab=all")


def test_a_filter_is_kept_under_a_name(offices: Offices, login: Login) -> None:
    desk = login(offices.desk)
    desk.post("/cases/lists/", {"name": "用地的", "query": "tab=all&type=demand&kind=land&evil=1"})
    kept = SavedList.objects.get(user=offices.desk)
    assert kept.query == "tab=all&type=demand&kind=land"
    assert "用地的" in page(desk)
    assert "用地的" not in page(login(offices.handler))
    assert login(offices.handler).post(f"/cases/lists/{kept.pk}/remove/").status_code == 404
    desk.post(f"/cases/lists/{kept.pk}/remove/")
    assert not SavedList.objects.exists()


def test_many_at_once_are_looked_at_before(offices: Offices, login: Login) -> None:
    first, second = raise_demand(offices, "第一件"), raise_demand(offices, "第二件")
    done = hand_over(offices, raise_demand(offices, "办着的"))
    desk = login(offices.desk)
    assert "受理（企业诉求）" in page(desk, "?tab=all")
    chosen = {"deed": "demand.accept", "case": [first.number, second.number, done.number], "query": "tab=all"}
    shown = desk.post("/cases/bulk/", chosen).content.decode()
    assert "2 <small>件能办" in shown
    assert "待受理 → 待交办" in shown
    assert "现在是“办理中”，不能“受理”。" in shown
    first.refresh_from_db()
    assert first.state == "submitted", "looking changes nothing"
    act(offices.city.county_clerk, second, "note", note="看过")
    seen = {f"seen-{first.number}": 1, f"seen-{second.number}": 1}
    answered = desk.post("/cases/bulk/", {**chosen, **seen, "do": "1"}, follow=True).content.decode()
    assert "已办 1 件" in answered
    assert "有了新情况" in answered
    states = [Case.objects.get(pk=each.pk).state for each in (first, second)]
    assert states == ["accepted", "submitted"]


def test_many_are_assigned_and_urged(offices: Offices, login: Login) -> None:
    cases = [hand_over(offices, raise_demand(offices, f"第{number}件")) for number in range(2)]
    desk, numbers = login(offices.desk), [case.number for case in cases]
    form = desk.post("/cases/bulk/", {"deed": "assign", "case": numbers}).content.decode()
    assert "承办吕" in form
    to = f"{offices.land.pk}-{offices.colleague.pk}"
    desk.post("/cases/bulk/", {"deed": "assign", "case": numbers, "to": to, "do": "1"})
    assert {each.handler for each in Case.objects.all()} == {offices.colleague}
    desk.post("/cases/bulk/", {"deed": "urge", "case": numbers, "note": "请抓紧", "do": "1"})
    assert all(each.events.filter(act="urge").exists() for each in cases)


def test_the_list_as_a_workbook(offices: Offices, login: Login) -> None:
    raise_demand(offices, "=HYPERLINK(1)", at=at(3, 2))
    desk = login(offices.desk)
    asked = desk.post("/cases/exports/", {"query": "tab=all&type=demand"})
    run_pending()
    assert "下载表格" in desk.get(asked.url).content.decode()
    content = b"".join(desk.get(f"{asked.url}?file").streaming_content)  # type: ignore[attr-defined]
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    row = next(each for each in cells if each[1] == "=HYPERLINK(1)")
    assert sheet.cell(cells.index(row) + 1, 2).data_type in ("s", "inlineStr")
    assert "13800000001" not in str(cells)
    assert login(offices.handler).get(asked.url).status_code == 404
    assert login(offices.handler).get(f"{asked.url}?file").status_code == 404
