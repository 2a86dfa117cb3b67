"""The pages as the persons who use them see them; every one of them, by everybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from muheng.matching.money import WAN
from muheng.web.matching.actions.credits import grant_credit, lend, repay
from muheng.web.matching.actions.gatherings import hand_out, hold_gathering, invite, plan_gathering, sign_in
from muheng.web.matching.actions.introductions import advance, introduce
from muheng.web.matching.actions.needs import NeedTerms, file_need
from muheng.web.matching.actions.suppliers import OfferTerms, add_offer
from muheng.web.matching.models import Credit, Gathering, Introduction, Need, Offer, Supplier
from muheng.web.people.models import User
from web.matching.market import TODAY, Market

Login = Callable[[User], Client]


@pytest.fixture
def busy(market: Market) -> Market:
    """With an introduction that led to credit, and gatherings."""
    city = market.city
    row = introduce(city.clerk, market.need, market.loan)
    row = advance(city.clerk, row, "agreed", amount=300 * WAN)
    credit = grant_credit(
        city.clerk,
        city.enterprises[0],
        market.bank,
        300 * WAN,
        since=TODAY,
        document="授信批复 2026-17",
        introduction=row,
    )
    lend(city.clerk, credit, 200 * WAN, TODAY, document="借据 1")
    repay(city.clerk, credit, 1, 50 * WAN, TODAY)
    held = plan_gathering(
        city.clerk, "banks", "政银企对接会（秋季）", on=date(2026, 10, 20), place="市民中心", host=city.root
    )
    invite(city.clerk, held, city.enterprises[:3])
    sign_in(city.clerk, held, city.enterprises[:2])
    hand_out(city.clerk, held, "leaflet", "金融产品册", 120)
    hold_gathering(city.clerk, held, 60, "签约三项。")
    plan_gathering(
        city.clerk, "salon", "企业沙龙", on=date(2026, 11, 20), place="开发区", host=city.counties[0]
    )
    return market


def addresses(market: Market) -> list[str]:
    need, offer = market.need.pk, market.loan.pk
    introduction = Introduction.objects.get().pk
    credit = Credit.objects.get().pk
    held, planned = Gathering.objects.order_by("on").values_list("pk", flat=True)
    return [
        reverse("matching:home"),
        reverse("matching:mine"),
        reverse("matching:figures"),
        reverse("matching:figures") + "?year=2026",
        reverse("matching:figures_workbook"),
        reverse("matching:needs"),
        reverse("matching:needs") + "?state=met&kind=finance&q=东山",
        reverse("matching:new_need"),
        reverse("matching:new_need") + "?kind=labour",
        reverse("matching:need", args=[need]),
        reverse("matching:edit_need", args=[need]),
        reverse("matching:introduction", args=[introduction]),
        reverse("matching:offers"),
        reverse("matching:offer", args=[offer]),
        reverse("matching:edit_offer", args=[offer]),
        reverse("matching:suppliers"),
        reverse("matching:new_supplier"),
        reverse("matching:supplier", args=[market.bank.pk]),
        reverse("matching:new_offer", args=[market.bank.pk]),
        reverse("matching:credits"),
        reverse("matching:new_credit"),
        reverse("matching:credit", args=[credit]),
        reverse("matching:gatherings"),
        reverse("matching:new_gathering"),
        reverse("matching:gathering", args=[held]),
        reverse("matching:gathering", args=[planned]),
        reverse("matching:edit_gathering", args=[planned]),
    ]


def statuses(client: Client, market: Market) -> dict[str, int]:
    return {address: client.get(address).status_code for address in addresses(market)}


def test_every_page_opens_for_who_may(busy: Market, login: Login) -> None:
    own = {reverse("matching:mine"): 403}
    found = statuses(login(busy.city.clerk), busy)
    assert {address: status for address, status in found.items() if status != 200} == own


def test_an_enterprise_opens_its_own_alone(busy: Market, login: Login) -> None:
    found = statuses(login(busy.city.owner), busy)
    opened = {address for address, status in found.items() if status == 200}
    assert opened == {
        reverse("matching:mine"),
        reverse("matching:new_need"),
        reverse("matching:new_need") + "?kind=labour",
        reverse("matching:need", args=[busy.need.pk]),
        reverse("matching:edit_need", args=[busy.need.pk]),
        reverse("matching:introduction", args=[Introduction.objects.get().pk]),
        reverse("matching:offer", args=[busy.loan.pk]),
        reverse("matching:credit", args=[Credit.objects.get().pk]),
    }
    assert set(found.values()) <= {200, 302, 403, 404}


def test_another_enterprises_are_as_if_they_were_not(busy: Market, login: Login) -> None:
    other = login(busy.city.other_owner)
    for name, number in (
        ("need", busy.need.pk),
        ("introduction", Introduction.objects.get().pk),
        ("credit", Credit.objects.get().pk),
    ):
        assert other.get(reverse(f"matching:{name}", args=[number])).status_code == 404
    mine = other.get(reverse("matching:mine")).content.decode()
    assert busy.need.title not in mine
    assert "政银企" not in mine
    page = other.get(reverse("matching:offer", args=[busy.loan.pk])).content.decode()
    assert busy.need.title not in page
    assert "800 万元" not in page, "what others took is told by what is left"


def test_a_county_sees_its_own(busy: Market, login: Login) -> None:
    other = login(busy.city.other_county_clerk)
    assert other.get(reverse("matching:need", args=[busy.need.pk])).status_code == 404
    assert busy.need.title not in other.get(reverse("matching:needs") + "?state=").content.decode()
    figures = other.get(reverse("matching:figures")).content.decode()
    assert "300 万元" not in figures
    assert "政银企" in other.get(reverse("matching:gatherings")).content.decode(), "the city's are for all"
    assert "企业沙龙" not in _rows(other.get(reverse("matching:gatherings")).content.decode())
    near = login(busy.city.county_clerk)
    assert near.get(reverse("matching:need", args=[busy.need.pk])).status_code == 200
    assert "300 万元" in near.get(reverse("matching:figures")).content.decode()


def _rows(page: str) -> str:
    return page.partition("<tbody>")[2]


def test_who_only_looks_writes_nothing(busy: Market, login: Login) -> None:
    leader = login(busy.city.leader)
    assert leader.get(reverse("matching:need", args=[busy.need.pk])).status_code == 200
    for name, arguments in (
        ("introduce", [busy.need.pk, busy.large.pk]),
        ("end_need", [busy.need.pk]),
        ("end_offer", [busy.loan.pk]),
        ("void_credit", [Credit.objects.get().pk]),
        ("hold_gathering", [Gathering.objects.latest("on").pk]),
    ):
        answer = leader.post(reverse(f"matching:{name}", args=arguments), {"reason": "试试"})
        assert answer.status_code == 403, name


def test_candidates_are_told_why(market: Market, login: Login) -> None:
    page = login(market.city.clerk).get(reverse("matching:need", args=[market.need.pk])).content.decode()
    fitting, _, others = page.partition("不符合条件的")
    assert "技改贷" in fitting
    assert "标签相同：技改。" in fitting
    assert "年利率 3.85%。" in fitting
    assert "需要 300 万元，至少 1,000 万元，还差 700 万元。" in others
    english = login(market.city.clerk)
    english.cookies["django_language"] = "en"
    page = english.get(reverse("matching:need", args=[market.need.pk])).content.decode()
    assert "300 wan yuan wanted, 1,000 wan yuan at least: 700 wan yuan too little." in page


def test_the_enterprise_sees_the_public_side(market: Market, login: Login) -> None:
    Need.objects.filter(pk=market.need.pk).update(amount=900 * WAN)
    page = login(market.city.owner).get(reverse("matching:need", args=[market.need.pk])).content.decode()
    assert "余量可能不够" in page
    assert "800 万元" not in page
    assert "0555-1234567" not in page
    page = login(market.city.clerk).get(reverse("matching:need", args=[market.need.pk])).content.decode()
    assert "只剩 800 万元，差 100 万元" in page


def need_fields(**changed: Any) -> dict[str, Any]:
    return {
        "code": "",
        "title": "缺流动资金",
        "text": "",
        "amount": "200",
        "months": "12",
        "rate": "4.35",
        "wanted_by": "2026-12-01",
        "tags": ["信用贷"],
    } | changed


def test_a_need_is_filed_and_a_mistake_loses_nothing(market: Market, login: Login) -> None:
    client = login(market.city.owner)
    address = reverse("matching:new_need") + "?kind=finance"
    code = market.city.enterprises[0].code
    answer = client.post(address, need_fields(code=code, amount="两百万"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“两百万” 不是金额。" in page
    assert 'value="缺流动资金"' in page
    assert 'value="4.35"' in page
    answer = client.post(address, need_fields(code=code, rate="4.355"))
    assert "利率最多两位小数" in answer.content.decode()
    answer = client.post(address, need_fields(code=code, wanted_by="2026-11-01"))
    assert "需要的日子已经过了" in answer.content.decode()
    answer = client.post(address, need_fields(code=code, amount="0.02亿"))
    assert answer.status_code == 302
    need = Need.objects.latest("pk")
    assert (need.amount, need.rate, need.months, need.opened_by) == (200 * WAN, 435, 12, market.city.owner)
    assert [tag.name for tag in need.tags.all()] == ["信用贷"]


def test_nobody_files_for_others(market: Market, login: Login) -> None:
    code = market.city.enterprises[0].code
    for user in (market.city.other_owner, market.city.other_county_clerk):
        answer = login(user).post(reverse("matching:new_need") + "?kind=finance", need_fields(code=code))
        assert answer.status_code == 422
        assert "不在您负责的范围内" in answer.content.decode()
    answer = login(market.city.county_clerk).post(
        reverse("matching:new_need") + "?kind=finance", need_fields(code=code)
    )
    assert answer.status_code == 302


def test_from_the_request_to_the_loan(market: Market, login: Login) -> None:
    owner, clerk = login(market.city.owner), login(market.city.clerk)
    answer = owner.post(reverse("matching:ask", args=[market.need.pk, market.loan.pk]))
    row = Introduction.objects.get()
    address = reverse("matching:introduction", args=[row.pk])
    assert answer.headers["Location"] == address
    assert "0555-1234567" not in owner.get(address).content.decode(), (
        "not before an official brings them together"
    )
    assert "企业申请，等您推介" in clerk.get(reverse("matching:home")).content.decode()
    assert clerk.post(address, {"state": "introduced", "version": row.version}).status_code == 302
    assert "0555-1234567" in owner.get(address).content.decode()
    assert (
        owner.post(address, {"state": "contacted", "note": "已面谈", "on": "2026-11-03"}).status_code == 302
    )
    assert owner.post(address, {"state": "agreed"}).status_code == 403
    stale = clerk.post(address, {"state": "agreed", "amount": "260", "version": row.version})
    assert stale.status_code == 422
    assert "已被改过" in stale.content.decode()
    row.refresh_from_db()
    assert (
        clerk.post(address, {"state": "agreed", "amount": "260", "version": row.version}).status_code == 302
    )
    steps = list(row.steps.values_list("state", "by__username", "note", "amount"))
    assert steps == [
        ("asked", "owner", "", None),
        ("introduced", "clerk", "", None),
        ("contacted", "owner", "已面谈", None),
        ("agreed", "clerk", "", 260 * WAN),
    ]
    page = clerk.get(reverse("matching:new_credit") + f"?introduction={row.pk}").content.decode()
    assert 'value="260"' in page
    fields = {
        "code": market.city.enterprises[0].code,
        "bank": market.bank.pk,
        "granted": "260",
        "since": "2026-11-03",
        "until": "",
        "document": "",
    }
    address = reverse("matching:new_credit") + f"?introduction={row.pk}"
    assert clerk.post(address, fields).status_code == 422
    answer = clerk.post(address, fields | {"document": "批复 9 号"})
    credit = Credit.objects.get()
    book = reverse("matching:credit", args=[credit.pk])
    assert answer.headers["Location"] == book
    answer = clerk.post(book, {"act": "lend", "amount": "300", "on": "2026-11-03"})
    assert answer.status_code == 422
    assert "放款 300 万元，授信只剩 260 万元，超出 40 万元。" in answer.content.decode()
    assert 'value="300"' in answer.content.decode()
    assert clerk.post(book, {"act": "lend", "amount": "100.5", "on": "2026-11-03"}).status_code == 302
    assert (
        clerk.post(book, {"act": "repay", "amount": "0.5", "on": "2026-11-03", "of": "1"}).status_code == 302
    )
    reverse_line = reverse("matching:reverse_line", args=[credit.pk, 2])
    assert clerk.post(reverse_line, {"reason": "记错户"}).status_code == 302
    credit.refresh_from_db()
    assert (credit.lent, credit.repaid, credit.lines) == (1_005_000_00, 0, 3)
    page = owner.get(book).content.decode()
    assert "已冲正" in page
    assert "记一笔" not in page
    assert owner.post(book, {"act": "lend", "amount": "1", "on": "2026-11-03"}).status_code == 404


def test_against_the_rules_only_with_a_reason(market: Market, login: Login) -> None:
    clerk = login(market.city.clerk)
    address = reverse("matching:introduce", args=[market.need.pk, market.large.pk])
    answer = clerk.post(address)
    assert answer.status_code == 422
    assert "条件不符合，仍要推介请写明原因" in answer.content.decode()
    assert clerk.post(address, {"reason": "银行愿意例外"}).status_code == 302
    row = Introduction.objects.get()
    assert (row.fits, row.steps.get().note) == (False, "银行愿意例外")
    assert "推介时有条件不符合" in clerk.get(reverse("matching:introduction", args=[row.pk])).content.decode()


def test_suppliers_and_offers_are_kept(market: Market, login: Login) -> None:
    clerk = login(market.city.clerk)
    answer = clerk.post(
        reverse("matching:new_supplier"),
        {
            "kind": "technology",
            "name": "节能院",
            "place": market.city.counties[0].pk,
            "about": "",
            "contact": "",
            "phone": "",
        },
    )
    supplier = Supplier.objects.get(name="节能院")
    address = reverse("matching:new_offer", args=[supplier.pk])
    assert answer.headers["Location"] == address
    fields = {"title": "余热回收", "least": "50", "most": "20", "industries": "C34、299", "lead_days": "60"}
    answer = clerk.post(address, fields)
    assert "最少的数额大于最多的数额" in answer.content.decode()
    answer = clerk.post(address, fields | {"most": "200", "industries": "C34、00"})
    assert "没有“00”这个行业代码" in answer.content.decode()
    answer = clerk.post(address, fields | {"most": "200"})
    offer = Offer.objects.get(title="余热回收")
    assert answer.status_code == 302
    assert (offer.least, offer.most, offer.industries, offer.lead_days) == (
        50 * WAN,
        200 * WAN,
        ["C34", "299"],
        60,
    )
    edit = reverse("matching:edit_offer", args=[offer.pk])
    assert 'value="C34、299"' in clerk.get(edit).content.decode()
    assert clerk.post(edit, fields | {"most": "300", "version": "1"}).status_code == 302
    answer = clerk.post(edit, fields | {"most": "400", "version": "1"})
    assert (answer.status_code, "已被改过" in answer.content.decode()) == (422, True)
    assert clerk.post(reverse("matching:end_offer", args=[offer.pk]), {"reason": "不做了"}).status_code == 302
    offer.refresh_from_db()
    assert (offer.most, offer.state, offer.ended_reason) == (300 * WAN, "ended", "不做了")
    county = login(market.city.county_clerk)
    assert county.get(reverse("matching:new_offer", args=[supplier.pk])).status_code == 403, (
        "the city keeps it"
    )


def test_a_gathering_from_plan_to_figures(market: Market, login: Login) -> None:
    clerk = login(market.city.clerk)
    enterprises = market.city.enterprises
    answer = clerk.post(
        reverse("matching:new_gathering"),
        {"kind": "law", "title": "送法入企（东山）", "on": "2026-11-03", "place": "东山开发区"},
    )
    row = Gathering.objects.get()
    show = reverse("matching:gathering", args=[row.pk])
    assert answer.headers["Location"] == show
    codes = "\n".join([enterprises[0].code, enterprises[1].code, "91340500MA9999999X"])
    answer = clerk.post(reverse("matching:invite", args=[row.pk]), {"invite-codes": codes})
    assert answer.status_code == 422
    assert "没有找到 91340500MA9999999X" in answer.content.decode()
    assert not row.attendances.exists()
    codes = f"{enterprises[0].code}、{enterprises[1].code}"
    assert clerk.post(reverse("matching:invite", args=[row.pk]), {"invite-codes": codes}).status_code == 302
    assert "送法入企（东山）" in login(market.city.owner).get(reverse("matching:mine")).content.decode()
    sign = reverse("matching:sign_one", args=[row.pk, enterprises[0].code])
    assert clerk.post(sign).status_code == 302
    assert (
        clerk.post(
            reverse("matching:sign_in", args=[row.pk]), {"sign-codes": enterprises[8].code}
        ).status_code
        == 302
    )
    hold = reverse("matching:hold_gathering", args=[row.pk])
    answer = clerk.post(hold, {"held-heads": "1"})
    assert "少于签到的 2 人" in answer.content.decode()
    assert clerk.post(hold, {"held-heads": "35", "held-summary": "讲了新条例"}).status_code == 302
    materials = reverse("matching:hand_out", args=[row.pk])
    for count in ("100", "150"):
        given = {"material-kind": "leaflet", "material-title": "新条例", "material-count": count}
        assert clerk.post(materials, given).status_code == 302
    page = clerk.get(show).content.decode()
    assert "150 份" in page
    assert "邀请了 2 家" in page
    assert clerk.post(sign, {"undo": "1"}).status_code == 302
    assert row.attendances.get(enterprise=enterprises[0]).signed_at is None


def test_the_workbook_has_the_figures_and_no_formula(busy: Market, login: Login) -> None:
    evil = '=HYPERLINK("http://x","y")'
    Supplier.objects.filter(pk=busy.bank.pk).update(name=evil)
    answer = login(busy.city.clerk).get(reverse("matching:figures_workbook"))
    book = openpyxl.load_workbook(BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert book.sheetnames == ["授信和放款", "活动", "授信台账", "放款和还款明细"]
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [cell.data_type for cell in cells if cell.value == evil] == ["s"] * 4
    assert not [cell for cell in cells if cell.data_type == "f"]
    ledger = [[cell.value for cell in row] for row in book["授信台账"].iter_rows(min_row=4)]
    assert ledger[0][8:] == [300, 200, 50]
    lines = [[cell.value for cell in row] for row in book["放款和还款明细"].iter_rows(min_row=4)]
    assert [row[5:8] for row in lines] == [["放款", 200, 0], ["还款", 0, 50]]


def test_an_enterprises_page_tells_of_it(busy: Market, login: Login) -> None:
    address = reverse("registry:show", args=[busy.city.enterprises[0].code])
    for person in (busy.city.clerk, busy.city.owner):
        page = login(person).get(address).content.decode()
        assert "授信 300 万元，已放款 200 万元" in page
    history = login(busy.city.clerk).get(reverse("registry:history", args=[busy.city.enterprises[0].code]))
    page = history.content.decode()
    assert "提出需求：新上一条生产线，缺设备款" in page
    assert "东山农村商业银行放款 200 万元" in page
    assert "东山农村商业银行授信 300 万元" in page


def test_many_offers_cost_no_more_questions(market: Market, login: Login) -> None:
    clerk = login(market.city.clerk)
    address = reverse("matching:need", args=[market.need.pk])
    clerk.get(address)
    with CaptureQueriesContext(connection) as few:
        clerk.get(address)
    for number in range(20):
        terms = OfferTerms(f"贷{number}", regions=market.city.counties[:1], tags=("绿色",))
        add_offer(market.city.clerk, market.bank, terms)
    with CaptureQueriesContext(connection) as many:
        clerk.get(address)
    assert len(many) == len(few) <= 30, [query["sql"] for query in many.captured_queries]


def test_many_needs_cost_no_more_questions(market: Market, login: Login) -> None:
    clerk = login(market.city.clerk)
    pages = [
        reverse("matching:offer", args=[market.loan.pk]),
        reverse("matching:needs"),
        reverse("matching:home"),
    ]
    for address in pages:
        clerk.get(address)
    counts = []
    for _round in range(2):
        for address in pages:
            with CaptureQueriesContext(connection) as asked:
                clerk.get(address)
            counts.append(len(asked))
        for number in range(1, 7):
            enterprise = market.city.enterprises[number]
            file_need(market.city.clerk, enterprise, "finance", NeedTerms("周转", amount=WAN, tags=("绿色",)))
    assert counts[:3] == counts[3:]
    assert max(counts) <= 30


def test_of_very_many_the_best_are_shown_first(market: Market, login: Login) -> None:
    for number in range(40):
        add_offer(market.city.clerk, market.bank, OfferTerms(f"普通贷{number:02d}"))
    clerk = login(market.city.clerk)
    address = reverse("matching:need", args=[market.need.pk])
    page = clerk.get(address).content.decode()
    assert "符合条件的供给（41）" in page
    assert ("技改贷" in page, "普通贷00" in page, "普通贷39" in page) == (True, True, False)
    assert "看全部 42 项" in page
    page = clerk.get(f"{address}?all=1").content.decode()
    assert ("普通贷39" in page, "看全部" in page) == (True, False)
