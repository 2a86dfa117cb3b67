"""The page of a case, as the enterprise, the desk, the handler and the head see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from muheng.web.casework.actions import act
from muheng.web.casework.models import Case, CaseFile
from muheng.web.people.models import User
from web.casework.offices import Offices, answer, at, hand_over, raise_demand

Login = Callable[[User], Client]
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"


def page(client: Client, case: Case, rest: str = "") -> str:
    answered = client.get(f"/cases/{case.number}/{rest}")
    assert answered.status_code == 200
    return answered.content.decode()


def post(client: Client, case: Case, act_id: str, **fields: object) -> Any:
    case.refresh_from_db()
    data = {"act": act_id, "seen": case.version, **fields}
    return client.post(f"/cases/{case.number}/act/", data)


def test_the_desk_takes_it_in_and_gives_it_to_the_proposed_office(offices: Offices, login: Login) -> None:
    case = raise_demand(offices)
    desk = login(offices.desk)
    shown = page(desk, case)
    assert "二期用地红线需要调整 · 东山精工机械有限公司" in shown, "the title says what and whose"
    assert "受理时限" in shown
    assert 'name="act" value="accept"' in shown, "the first act stands open where it is one's turn"
    post(desk, case, "accept", kind="land")
    form = page(desk, case)
    assert "自然资源和规划局（建议）" in form
    assert f'value="{offices.land.pk}" selected' in form
    post(desk, case, "dispatch", to=f"{offices.land.pk}-{offices.handler.pk}", kind="land")
    case.refresh_from_db()
    assert (case.state, case.handler, case.waits_for) == ("handling", offices.handler, "handler")


def test_what_was_typed_comes_back_with_the_refusal_and_the_files(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    handler = login(offices.handler)
    refused = post(handler, case, "answer", note="写了很久的答复", file=SimpleUploadedFile("意见.pdf", PDF))
    shown = refused.content.decode()
    assert refused.status_code == 422
    assert "还没有填写：办理结果" in shown
    assert "写了很久的答复</textarea>" in shown
    assert "意见.pdf" in shown
    token = shown.split('name="kept" value="')[1].split('"')[0]
    again = {"note": "写了很久的答复", "field-outcome": "已解决", "kept": token}
    assert post(handler, case, "answer", **again).status_code == 302
    assert CaseFile.objects.get(case=case).stored.name == "意见.pdf"


def test_a_kept_file_is_only_its_bringers(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    refused = post(login(offices.handler), case, "answer", file=SimpleUploadedFile("意见.pdf", PDF))
    token = refused.content.decode().split('name="kept" value="')[1].split('"')[0]
    post(login(offices.colleague), case, "attach", kept=token)
    assert not CaseFile.objects.exists()


def test_the_second_editor_sees_what_happened_and_keeps_what_they_typed(
    offices: Offices, login: Login
) -> None:
    case = raise_demand(offices)
    seen = case.version
    act(offices.city.county_clerk, case, "accept")
    answered = login(offices.desk).post(
        f"/cases/{case.number}/act/", {"act": "refuse", "seen": seen, "note": "材料不齐，见附件"}
    )
    shown = answered.content.decode()
    assert answered.status_code == 409
    assert "东山赵" in shown
    assert "材料不齐，见附件" in shown, "though the act is not offered any more"
    case.refresh_from_db()
    assert case.state == "accepted"


def test_the_form_comes_back_where_the_act_is_still_offered(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    seen = case.version
    act(offices.desk, case, "note", note="请抓紧", internal=True)
    handler = login(offices.handler)
    data = {"act": "answer", "seen": seen, "note": "已办妥", "field-outcome": "已解决"}
    shown = handler.post(f"/cases/{case.number}/act/", data).content.decode()
    assert "已办妥</textarea>" in shown
    assert "<option selected>已解决</option>" in shown
    case.refresh_from_db()
    assert f'name="seen" value="{case.version}"' in shown
    assert handler.post(f"/cases/{case.number}/act/", {**data, "seen": case.version}).status_code == 302


def test_the_enterprise_confirms_and_rates(offices: Offices, login: Login) -> None:
    case = answer(offices, hand_over(offices, raise_demand(offices)))
    owner = login(offices.owner)
    assert 'name="act" value="confirm"' in page(owner, case)
    post(owner, case, "confirm")
    stars = page(owner, case, "?act=rate")
    assert stars.count('type="radio" name="rating"') == 5
    assert "非常满意" in stars
    post(owner, case, "rate", rating="5")
    case.refresh_from_db()
    assert (case.phase, case.rating) == ("closed", 5)


def test_a_rating_that_is_none_is_asked_for_again(offices: Offices, login: Login) -> None:
    case = answer(offices, hand_over(offices, raise_demand(offices)))
    owner = login(offices.owner)
    post(owner, case, "confirm")
    refused = post(owner, case, "rate", rating="9")
    assert refused.status_code == 422
    assert "1 到 5 分" in refused.content.decode()


def test_internal_notes_are_not_the_enterprises(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    desk = login(offices.desk)
    post(
        desk,
        case,
        "note",
        note="这家去年也报过",
        internal="1",
        file=SimpleUploadedFile("内部.pdf", PDF),
    )
    assert "这家去年也报过" in page(desk, case)
    file = CaseFile.objects.get(case=case)
    owner = login(offices.owner)
    for rest in ("", "paper/", "paper/?inside"):
        assert "这家去年也报过" not in page(owner, case, rest)
        assert "内部.pdf" not in page(owner, case, rest)
    assert owner.get(f"/cases/{case.number}/files/{file.pk}/").status_code == 404
    assert "这家去年也报过" not in page(desk, case, "paper/")
    assert "这家去年也报过" in page(desk, case, "paper/?inside")


def test_an_enterprise_cannot_hide_a_note(offices: Offices, login: Login) -> None:
    case = raise_demand(offices)
    post(login(offices.owner), case, "note", note="补充一点", internal="1")
    assert "补充一点" in page(login(offices.owner), case)


def test_files_are_downloads_for_who_may_see_the_case(offices: Offices, login: Login) -> None:
    case = raise_demand(offices)
    post(login(offices.owner), case, "attach", file=SimpleUploadedFile("红线图.pdf", PDF))
    address = f"/cases/{case.number}/files/{CaseFile.objects.get(case=case).pk}/"
    answered = login(offices.desk).get(address)
    assert b"".join(answered.streaming_content) == PDF
    assert answered["Content-Disposition"].startswith("attachment")
    assert login(offices.city.other_county_clerk).get(address).status_code == 404
    assert login(offices.city.other_owner).get(address).status_code == 404


def test_what_could_run_is_not_taken(offices: Offices, login: Login) -> None:
    case = raise_demand(offices)
    owner = login(offices.owner)
    for name, content in (
        ("图.svg", b"<svg onload='x'/>"),
        ("页.html", b"<html>"),
        ("工具.exe", b"MZ\x90"),
        ("改名.pdf", b"MZ\x90\x00"),
        ("改名.png", b"<html><script>"),
        ("空.pdf", b""),
    ):
        refused = post(owner, case, "attach", note="见附件", file=SimpleUploadedFile(name, content))
        assert refused.status_code == 422, name
        assert "见附件</textarea>" in refused.content.decode()
    assert not CaseFile.objects.exists()


def test_whom_to_call_is_for_who_handles_it(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    for person in (offices.desk, offices.handler, offices.owner):
        assert "13800000001" in page(login(person), case), person.name
    head = page(login(offices.leader), case)
    assert "13800000001" not in head
    assert "已隐藏" in head


def test_what_is_missing_is_said_beside_the_act(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    handler = login(offices.handler)
    form = page(handler, case, "?act=joint")
    assert "协办事项" in form
    post(handler, case, "joint", **{"child-type": "assist", "child-field-title": "请核实管线"})
    child = Case.objects.get(parent=case)
    shown = page(handler, case)
    assert "“答复”还差：" in shown
    assert "由它引出的事项还有 1 件没有办结" in shown
    assert child.title in shown, "the chain"
    assert 'name="act" value="send_back"' not in shown, "what leads back is not what one is asked for"
    blocked = post(handler, case, "answer", note="办了", **{"field-outcome": "已解决"})
    assert blocked.status_code == 422


def test_a_pause_is_drawn_and_said(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    post(login(offices.desk), case, "suspend", note="等专家", reason="听证、专家评审或技术评估")
    shown = page(login(offices.handler), case)
    assert "暂停计时" in shown
    assert "听证、专家评审或技术评估" in shown


def test_an_extension_names_its_clock_and_days(offices: Offices, login: Login) -> None:
    case = hand_over(offices, raise_demand(offices))
    head = login(offices.head)
    form = page(head, case, "?act=extend")
    assert "承诺时限（一次最多5个工作日）" in form
    refused = post(head, case, "extend", note="需上级批复", clock="promised", days="50")
    assert refused.status_code == 422
    assert 'value="50"' in refused.content.decode()
    assert post(head, case, "extend", note="需上级批复", clock="promised", days="5").status_code == 302
    assert "延长5个工作日" in page(head, case)


def test_as_it_was(offices: Offices, login: Login) -> None:
    case = raise_demand(offices, at=at(3, 2))
    hand_over(offices, case, when=at(3, 3))
    desk = login(offices.desk)
    then = page(desk, case, "?until=2026-03-02T12:00")
    assert "这是 2026年3月2日 12:00 时的情况" in then
    assert "待受理" in then
    assert "承办何" not in then
    assert 'name="act"' not in then, "the past is not acted on"
    assert "还有2个工作日" in then
    assert desk.get(f"/cases/{case.number}/?until=2026-03-01T12:00").status_code == 404, (
        "before it was opened"
    )
    assert desk.get(f"/cases/{case.number}/?until=nonsense").status_code == 200


def test_overdue_and_provisional_are_said(
    offices: Offices, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.utils import timezone

    case = hand_over(offices, raise_demand(offices, at=at(12, 21)), when=at(12, 22))
    monkeypatch.setattr(timezone, "now", lambda: at(12, 23))
    shown = page(login(offices.handler), case)
    assert "待国务院公布2027年安排后重算" in shown
    monkeypatch.setattr(timezone, "now", lambda: at(2, 1, year=2027))
    assert "超期" in page(login(offices.handler), case)


def test_the_page_costs_the_same_however_long_the_history(
    offices: Offices, login: Login, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    case = hand_over(offices, raise_demand(offices))
    for number in range(12):
        act(offices.handler, case, "progress", note=f"第{number}次进展")
    client = login(offices.desk)
    with django_assert_max_num_queries(40):
        page(client, case)
