"""The pages of the procedure: what each person finds, does and may not see; how many questions a page asks."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from muheng.intake.overlay import Correction, correction_layer
from muheng.web.evaluation import steps
from muheng.web.evaluation.models import Confirmation, Evaluation, Objection, Run
from muheng.web.jobs.actions import run_pending
from muheng.web.people.models import User
from muheng.web.registry.panels import add_layer
from web.evaluation.city import Case, make_case, make_facts, moment
from web.population import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    return make_case()


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the day on which the site is."""

    def turn(day: date) -> None:
        monkeypatch.setattr(steps.timezone, "now", lambda: moment(day))

    return turn


def login(person: User) -> Client:
    client = Client()
    assert client.login(username=person.username, password=PASSWORD)
    return client


def at(name: str, *args: object) -> str:
    return reverse(f"evaluation:{name}", args=args)


def said(response: Any) -> str:
    return response.content.decode()


def post(client: Client, address: str, **data: Any) -> str:
    response = client.post(address, data, follow=True)
    assert response.status_code == 200, (address, response.status_code)
    return said(response)


def test_the_whole_path_by_pages(case: Case, day: Any) -> None:
    people, number = case.people, case.evaluation.pk
    clerk, chief, leader, owner = map(login, (people.clerk, people.chief, people.leader, people.owner))
    day(date(2026, 3, 9))
    assert "发确认单给企业" in said(clerk.get(at("show", number)))
    assert "确认单已发出" in post(clerk, at("confirmation", number), deed="open", working_days=10)

    sheet = at("sheet", number, people.enterprises[0].code)
    page = said(owner.get(sheet))
    assert "请在 2026年3月23日 前核对" in page
    assert "宽表2025.xlsx · 宽表 E2" in page
    text = post(
        owner,
        sheet,
        deed="dispute",
        item="自有用地",
        claimed="24",
        text="绿化带属市政代征。",
        evidence=SimpleUploadedFile("红线图.pdf", b"%PDF-1.4"),
    )
    assert "异议已提交" in text
    objection = Objection.objects.get()
    assert "应为 24.0000" in text
    assert (
        owner.get(at("evidence", objection.pk, objection.evidence.get().pk)).headers["Content-Type"]
        == "application/octet-stream"
    )
    assert "已答复" in post(
        chief, at("objection", objection.pk), deed="answer", outcome="partly", settled="25", text="部分属实。"
    )
    objection.refresh_from_db()
    assert (objection.state, objection.settled) == ("partly", "25.0000")

    day(date(2026, 3, 24))
    assert "已到期，下一步" in said(clerk.get(at("show", number)))
    assert "企业确认已结束" in post(clerk, at("confirmation", number), deed="close")
    policy = case.policy.pk
    for title in ("甲", "乙"):
        post(clerk, at("trials", number), deed="try", title=title, policy=policy, basis="current")
    run_pending()
    post(clerk, at("trials", number), deed="try", title="按单", policy=policy, basis="shown")
    run_pending()
    beside = said(clerk.get(at("trials", number) + "?run=1&run=3"))
    assert "等级不同的" in beside
    assert "已送审" in post(clerk, at("trials", number), deed="choose", run=2)
    assert "您没有“内部审核”的权限" in post(clerk, at("review", number), agreed="yes")
    assert "还没有人审核同意" in post(clerk, at("publicity", number), working_days=5)
    assert "已同意" in post(chief, at("review", number), agreed="yes")
    assert "已安排公示" in post(clerk, at("publicity", number), working_days=5, first="2026-03-25")

    stranger = Client()
    public = at("public", number)
    assert stranger.get(public).status_code == 404
    day(date(2026, 3, 25))
    shown = said(stranger.get(public))
    assert people.enterprises[0].name in shown
    assert "总分" not in shown
    assert stranger.get(at("publicity", number)).status_code == 302
    assert clerk.get(at("publicity_xlsx", number)).content[:2] == b"PK"
    assert people.enterprises[0].name in said(clerk.get(at("publicity_print", number)))
    address = at("object", number, people.enterprises[0].code)
    assert "待答复" in post(owner, address, text="等级偏低。")
    late = Objection.objects.get(stage="publicity")

    day(date(2026, 4, 1))
    assert stranger.get(public).status_code == 404
    assert "公示已结束" in post(clerk, at("publicity", number), deed="close")
    assert "还有 1 件异议没有答复" in post(clerk, at("final", number), deed="final")
    post(chief, at("objection", late.pk), deed="answer", outcome="rejected", text="计算无误。")
    assert "已开始终算" in post(clerk, at("final", number), deed="final")
    run_pending()
    final = Run.objects.get(kind="final")
    assert "复算验证一致" in said(leader.get(at("final", number)))
    assert "您没有“签发评价结果”的权限" in post(clerk, at("final", number), deed="sign", run=final.number)
    assert "已签发" in post(leader, at("final", number), deed="sign", run=final.number)
    assert case.fresh().state == "signed"
    bundle = clerk.get(at("bundle", number, final.number))
    assert b"".join(bundle)[:2] == b"PK"
    for page in ("show", "roster", "confirmation", "trials", "review", "publicity", "objections", "final"):
        assert clerk.get(at(page, number)).status_code == 200
    assert "已办完" in said(clerk.get(at("list")))


def test_an_evaluation_is_opened_and_its_roster_changed(case: Case) -> None:
    clerk = login(case.people.clerk)
    page = said(clerk.get(at("new")))
    assert "测试市亩均效益评价办法 第 1 版" in page
    fields = {
        "year": 2025,
        "organisation": case.people.department.pk,
        "policy": case.policy.pk,
        "answer_days": 5,
    }
    assert "已有同名的评价" in post(clerk, at("new"), title="2025年度亩均效益评价", **fields)
    assert "正在整理名单" in post(clerk, at("new"), title="另一次", **fields)
    run_pending()
    made = Evaluation.objects.get(title="另一次")
    roster = at("roster", made.pk)
    code = case.people.enterprises[2].code
    assert "请写明移出名单的理由" in post(clerk, roster, deed="exclude", code=code)
    assert "已移出名单" in post(clerk, roster, deed="exclude", codes=code.lower(), reason="停产")
    assert "停产" in said(clerk.get(roster + "?show=out"))
    assert "已放回名单" in post(clerk, roster, deed="include", code=code)
    assert "没有这样的企业：91X" in post(clerk, roster, deed="exclude", codes="91X", reason="停产")
    assert "还没有选企业" in post(clerk, roster, deed="include")


def test_a_county_sees_its_own_enterprises_only(case: Case, day: Any) -> None:
    people, number = case.people, case.evaluation.pk
    day(date(2026, 3, 9))
    post(login(people.clerk), at("confirmation", number), deed="open", working_days=10)
    county, other, owner = map(login, (people.county_clerk, people.other_county_clerk, people.owner))
    mine, theirs = people.enterprises[0], people.enterprises[-1]
    for page in ("roster", "confirmation"):
        text = said(county.get(at(page, number)))
        assert mine.name in text
        assert theirs.name not in text
        assert theirs.name in said(other.get(at(page, number)))
    assert county.get(at("sheet", number, theirs.code)).status_code == 404
    assert owner.get(at("sheet", number, theirs.code)).status_code == 404
    assert owner.get(at("show", number)).status_code == 404
    assert owner.get(at("list")).status_code == 403
    assert mine.name in said(owner.get(at("my_sheets")))
    assert "您没有“组织评价”的权限" in post(county, at("confirmation", number), deed="close")
    # What came on paper is written down by the county that looks after the enterprise.
    text = post(county, at("sheet", number, mine.code), deed="confirm", note="3月10日纸质确认单")
    assert "3月10日纸质确认单" in text
    assert Confirmation.objects.get(enterprise=mine).state == "confirmed"


@pytest.mark.parametrize("page", ["show", "roster", "confirmation", "trials", "objections", "final"])
def test_pages_ask_no_more_for_more_enterprises(case: Case, day: Any, page: str) -> None:
    day(date(2026, 3, 9))
    clerk = login(case.people.clerk)
    post(clerk, at("confirmation", case.evaluation.pk), deed="open", working_days=10)
    address = at(page, case.evaluation.pk)
    clerk.get(address)
    with CaptureQueriesContext(connection) as asked:
        clerk.get(address)
    assert len(asked) <= 24, [each["sql"][:120] for each in asked]


def test_the_roster_is_taken_again_when_data_come(case: Case) -> None:
    facts = make_facts(case.people)
    first = case.people.enterprises[0].code
    add_layer(correction_layer(facts, [Correction(first, "入库税收", "1", "补报")]), "补报", "test", None)
    clerk = login(case.people.clerk)
    text = post(clerk, at("confirmation", case.evaluation.pk), deed="open", working_days=10)
    assert "名单整理之后，2025 年的数据又有变化" in text
    post(clerk, at("roster", case.evaluation.pk), deed="take")
    run_pending()
    assert "确认单已发出" in post(clerk, at("confirmation", case.evaluation.pk), deed="open", working_days=10)
