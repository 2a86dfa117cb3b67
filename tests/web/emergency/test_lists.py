"""The emergency list: taken whole or not at all, looked through, put in force; who sees what of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest

from muheng.emergency.inventory.reading import read_inventory
from web.emergency.worked_list import (
    Bureau,
    line_of,
    make_bureau,
    spoiled,
    take,
    upload,
    work_out,
    workbook_of,
    worked_inventory,
)

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def bureau() -> Bureau:
    return make_bureau()


@pytest.fixture
def enter() -> Callable[[Any], Client]:
    from django.test import Client

    def log_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in


def test_a_workbook_becomes_a_draft_with_its_totals(bureau: Bureau) -> None:
    made = take(bureau, season="2026-2027")
    assert (made.state, made.firms, made.lines, made.season) == ("draft", 8, 8, "2026-2027")
    assert made.figures["emission"] == [420_000, 1_037_000, 425_000, 335_000]
    first = made.listed.get(code=bureau.people.enterprises[0].code)
    assert (first.enterprise_id, first.grade, first.so2) == (bureau.people.enterprises[0].pk, "A", 120_000)
    assert first.county == bureau.people.counties[0]


def test_one_wrong_cell_and_nothing_is_taken(bureau: Bureau) -> None:
    from muheng.web.emergency.actions.lists import hand_in_list
    from muheng.web.emergency.models import EmergencyList, ListedFirm
    from muheng.web.jobs.actions import run_pending

    content = workbook_of(worked_inventory(bureau.people))
    row = _find(content, "生产线", "日停产损失")
    made = hand_in_list(bureau.keeper, [upload(spoiled(content, "生产线", row, "很多"))])
    run_pending()
    made.refresh_from_db()
    assert made.state == EmergencyList.State.WRONG
    assert made.folder == ""
    assert not ListedFirm.objects.filter(inventory=made).exists()
    (problem,) = [each for each in made.problems if each["severity"] == "error"]
    assert (problem["sheet"], problem["cell"]) == ("生产线", row)
    assert "很多" in problem["zh"] + problem["found"]
    assert made.marked is not None
    from openpyxl import load_workbook

    book = load_workbook(BytesIO(made.marked.path.read_bytes()))
    assert book["生产线"][row].comment is not None


def _find(content: bytes, sheet: str, column: str) -> str:
    """The first cell below a head."""
    from openpyxl import load_workbook

    page = load_workbook(BytesIO(content))[sheet]
    for cells in page.iter_rows(max_row=6):
        for cell in cells:
            if str(cell.value or "").startswith(column):
                below = cell.row + 1
                while page.cell(below, 1).value in (None, "") or below < 4:
                    below += 1
                return f"{cell.column_letter}{below}"
    raise LookupError(column)


def test_one_list_is_in_force_at_a_place(bureau: Bureau) -> None:
    from muheng.web.emergency.actions.lists import put_in_force
    from muheng.web.refusal import Refused

    first = take(bureau)
    with pytest.raises(Refused) as refused:
        put_in_force(bureau.keeper, first)
    assert refused.value.status == 403
    put_in_force(bureau.adopter, first)
    plain = worked_inventory(bureau.people)
    fewer = replace(plain, firms=plain.firms[1:], lines=plain.lines[1:])
    second = take(bureau, fewer)
    assert second.before == first
    put_in_force(bureau.adopter, second)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("replaced", "in_force")
    with pytest.raises(Refused):
        put_in_force(bureau.adopter, first)


def test_what_changed_since_the_list_before(bureau: Bureau, enter: Callable[[Any], Client]) -> None:
    from muheng.web.emergency.actions.lists import put_in_force

    put_in_force(bureau.adopter, take(bureau))
    plain = worked_inventory(bureau.people)
    lines = (replace(plain.lines[1], stop_loss=7_700_000), *plain.lines[2:])
    second = take(bureau, replace(plain, firms=plain.firms[1:], lines=lines))
    page = enter(bureau.keeper).get(f"/emergency/lists/{second.pk}/changes/").content.decode()
    assert plain.firms[0].name in page
    assert "77000" in page.replace(",", "")


def test_the_pages_of_a_list(bureau: Bureau, enter: Callable[[Any], Client]) -> None:
    made = take(bureau)
    client = enter(bureau.keeper)
    for address in (
        "",
        "firms/",
        "findings/",
        "changes/",
        "plans/",
        f"firms/{bureau.people.enterprises[0].code}/",
    ):
        assert client.get(f"/emergency/lists/{made.pk}/{address}").status_code == 200
    assert client.get("/emergency/lists/").status_code == 200
    found = client.get(f"/emergency/lists/{made.pk}/firms/?grade=D").content.decode()
    assert bureau.people.enterprises[7].name in found
    assert bureau.people.enterprises[0].name not in found
    sorted_page = client.get(f"/emergency/lists/{made.pk}/firms/?sort=-so2").content.decode()
    names = [bureau.people.enterprises[at].name for at in (0, 9)]
    assert sorted_page.index(names[0]) < sorted_page.index(names[1])


def test_a_county_sees_its_own_enterprises_only(bureau: Bureau, enter: Callable[[Any], Client]) -> None:
    made = take(bureau)
    people = bureau.people
    client = enter(people.county_clerk)
    page = client.get(f"/emergency/lists/{made.pk}/firms/").content.decode()
    assert people.enterprises[0].name in page
    assert people.enterprises[9].name not in page
    show = client.get(f"/emergency/lists/{made.pk}/").content.decode()
    assert "减排基数" not in show
    assert client.get(f"/emergency/lists/{made.pk}/firms/{people.enterprises[9].code}/").status_code == 404
    assert client.get(f"/emergency/lists/{made.pk}/workbook.xlsx").status_code == 404
    assert client.get(f"/emergency/lists/{made.pk}/changes/").status_code == 404
    stranger = enter(people.owner)
    assert stranger.get(f"/emergency/lists/{made.pk}/").status_code in (403, 404)


def test_the_workbook_that_comes_back_is_the_list(
    bureau: Bureau, enter: Callable[[Any], Client], tmp_path: Any
) -> None:
    made = take(bureau)
    answer = enter(bureau.keeper).get(f"/emergency/lists/{made.pk}/workbook.xlsx")
    path = tmp_path / "list.xlsx"
    path.write_bytes(b"".join(answer.streaming_content))
    found, problems = read_inventory(path)
    assert [each for each in problems if each.severity == "error"] == []
    assert found == worked_inventory(bureau.people)


def test_handing_in_is_refused_in_words(bureau: Bureau, enter: Callable[[Any], Client]) -> None:
    client = enter(bureau.keeper)
    answer = client.post("/emergency/lists/new/", {"files": upload(b"%PDF-1.7", "a.pdf"), "season": "2026"})
    assert answer.status_code == 422
    assert "2026" in answer.content.decode()
    assert client.post("/emergency/lists/new/", {}).status_code == 422
    assert enter(bureau.people.clerk).post("/emergency/lists/new/", {}).status_code == 403


def test_a_list_with_a_plan_stays(bureau: Bureau) -> None:
    from muheng.web.emergency.actions.lists import remove_list
    from muheng.web.emergency.models import EmergencyList
    from muheng.web.refusal import Refused

    made, other = take(bureau), take(bureau)
    work_out(bureau, made)
    with pytest.raises(Refused):
        remove_list(bureau.keeper, made)
    remove_list(bureau.keeper, other)
    assert list(EmergencyList.objects.all()) == [made]


def test_what_was_done_is_in_the_book(bureau: Bureau) -> None:
    from muheng.web.audit.models import Entry
    from muheng.web.emergency.actions.lists import put_in_force

    put_in_force(bureau.adopter, take(bureau))
    verbs = list(Entry.objects.filter(verb__startswith="emergency.").values_list("verb", flat=True))
    assert verbs == ["emergency.hand_in_list", "emergency.take_list", "emergency.put_in_force"]


def test_the_grade_and_what_is_missing_for_the_next(bureau: Bureau, enter: Callable[[Any], Client]) -> None:
    from muheng.web.emergency.actions.lists import put_in_force
    from muheng.web.emergency.actions.plans import adopt_plan
    from muheng.web.emergency.models import GradeSheet

    made = take(bureau)
    put_in_force(bureau.adopter, made)
    adopt_plan(bureau.adopter, work_out(bureau, made))
    owner = enter(bureau.people.other_owner)  # furniture, grade C
    page = owner.get("/emergency/mine/grade/").content.decode()
    assert bureau.people.enterprises[11].name in page
    assert "没有数据" in page
    facts = {name: value for name, value in _answers(page).items() if name.startswith("fact-")}
    answer = owner.post("/emergency/mine/grade/", facts)
    assert answer.status_code == 302
    sheet = GradeSheet.objects.get()
    assert sheet.enterprise == bureau.people.enterprises[11]
    assert not sheet.by_official
    wrong = {**facts, next(name for name, value in facts.items() if value.isdigit()): "很低"}
    refused = owner.post("/emergency/mine/grade/", wrong)
    assert refused.status_code == 422
    assert "很低" in refused.content.decode()
    assert GradeSheet.objects.count() == 1
    why = owner.get(f"/emergency/mine/why/?line={line_of(bureau.people, 8)}")
    assert why.status_code == 200
    assert owner.get(f"/emergency/mine/why/?line={line_of(bureau.people, 2)}").status_code == 404


def _answers(page: str) -> dict[str, str]:
    """Something for each field of a form: yes, the first choice, nought."""
    import re

    found = dict.fromkeys(re.findall(r'<input id="fact-[a-z0-9_]+" name="(fact-[a-z0-9_]+)"', page), "0")
    for name, options in re.findall(
        r'<select id="fact-[^"]+" name="(fact-[^"]+)">(.*?)</select>', page, re.S
    ):
        values = re.findall(r'<option(?: value="([^"]*)")?[^>]*>([^<]*)</option>', options)
        found[name] = values[1][0] or values[1][1]
    return found


def test_a_long_list_is_written_in_the_background_once(
    bureau: Bureau, enter: Callable[[Any], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from muheng.web.emergency import workbook
    from muheng.web.jobs.actions import run_pending
    from muheng.web.jobs.models import Job

    made = take(bureau)
    monkeypatch.setattr(workbook, "AT_ONCE", 7)
    client, address = enter(bureau.keeper), f"/emergency/lists/{made.pk}/workbook.xlsx"
    for _again in range(2):
        waiting = client.get(address)
        assert "自动下载" in waiting.content.decode()
    assert Job.objects.filter(kind=workbook.KIND).count() == 1
    run_pending()
    for user in (bureau.keeper, bureau.adopter):
        sent = enter(user).get(address)
        assert b"".join(sent.streaming_content)[:2] == b"PK"
    assert Job.objects.filter(kind=workbook.KIND).count() == 1
