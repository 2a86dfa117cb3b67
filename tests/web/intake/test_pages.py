"""The pages of intake as a clerk goes through them, without JavaScript; and who may not see them."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from muheng.web.intake.actions import accept
from muheng.web.intake.models import Batch
from muheng.web.intake.urls import urlpatterns
from muheng.web.jobs.actions import run_pending
from muheng.web.people.models import User
from muheng.web.registry import panels
from web.population import Population

from .conftest import Read
from .workbooks import roster, roster_row, tax, taxes, upload

pytestmark = pytest.mark.django_db


def at(user: User, lang: str = "zh-hans") -> Client:
    client = Client()
    client.force_login(user)
    client.cookies["django_language"] = lang
    return client


def text(response: Any) -> str:
    return str(response.content.decode())


def page(name: str, batch: Batch, *more: int) -> str:
    return reverse(f"intake:{name}", args=[batch.pk, *more])


def test_the_clerks_path(city: Population) -> None:
    one, two = city.enterprises[:2]
    client = at(city.clerk)
    assert "还没有批次" in text(client.get(reverse("intake:list")))
    files = [tax([[one.code, one.name, "12万"], [two.code, two.name, 20]])]
    response = client.post(reverse("intake:new"), {"year": "2025", "files": files}, follow=True)
    batch = Batch.objects.get()
    assert response.redirect_chain == [(page("show", batch), 302)]
    assert "hx-get" in text(response)
    run_pending()
    shown = text(client.get(page("show", batch)))
    assert "我已看过 1 处错误" in shown
    assert "税务局.xlsx · 税收" in shown
    problems = text(client.get(page("problems", batch), {"severity": "error"}))
    assert "<b>C2</b>" in problems
    assert "本列单位是 万元" in problems
    assert "<b>C2</b>" not in text(client.get(page("problems", batch), {"q": "没有这样的"}))
    sheet = text(client.get(page("sheet", batch, 0)))
    assert "列名相同" in sheet
    assert "没有写，按约定" in sheet
    # Without the tick nothing is accepted, and the page says why in its place.
    refused = client.post(page("accept", batch), {"reading": "1"})
    assert refused.status_code == 409
    assert "勾选确认" in text(refused)
    accepted = client.post(page("accept", batch), {"reading": "1", "withheld": "1"}, follow=True)
    assert "已接受，2025 年的数据已更新" in text(accepted)
    assert panels.current(2025) is not None
    undone = client.post(page("undo", batch), {"why": "报错了"}, follow=True)
    assert "撤销：报错了" in text(undone)
    assert panels.current(2025) is None


def test_a_mapping_is_mended_in_the_form(city: Population, read: Read) -> None:
    one = city.enterprises[0]
    batch = read(city.clerk, tax([[one.code, one.name, 50_000, 1]], head=["编码", "谁", "多少", "别的"]))
    client = at(city.clerk)
    address = page("sheet", batch, 0)
    assert "没有认出这张表" in text(client.get(address)) or "没有找到表头" in text(client.get(address))
    offered = text(client.get(address, {"kind": "tax/税收"}))
    assert "<option>入库税收</option>" in offered
    chosen = {
        "kind": "tax/税收",
        "decided": "1",
        "header_row": "1",
        "column-A": "统一社会信用代码",
        "column-B": "企业名称",
        "column-C": "入库税收",
        "column-D": "-",
        "unit-C": "光年",
    }
    refused = client.post(address, chosen)
    assert refused.status_code == 422
    assert "不认识的单位“光年”" in text(refused)
    assert "<option selected>入库税收</option>" in text(refused)
    assert 'value="光年"' in text(refused)
    client.post(address, {**chosen, "unit-C": "元"})
    run_pending()
    batch.refresh_from_db()
    assert (batch.reading, batch.count("imported"), batch.count("errors")) == (2, 1, 0)
    again = text(client.get(address))
    assert "有人指定" in again
    assert "<option selected>入库税收</option>" in again
    client.post(address, {"kind": "-"})
    run_pending()
    assert "按您的决定不读" in text(client.get(page("sheets", batch)))
    client.post(address, {"forget": "1"})
    run_pending()
    batch.refresh_from_db()
    assert batch.fixes == []


@pytest.mark.parametrize("posted", [{"kind": "x/y"}, {"kind": "tax/税收", "header_row": "一"}])
def test_a_form_that_is_no_form_is_refused(city: Population, read: Read, posted: dict[str, str]) -> None:
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], [1])))
    assert at(city.clerk).post(page("sheet", batch, 0), posted).status_code == 422


def test_nothing_chosen_changes_nothing(city: Population, read: Read) -> None:
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], [1])))
    at(city.clerk).post(
        page("sheet", batch, 0), {"kind": "tax/税收", "header_row": "", "column-A": "", "unit-C": ""}
    )
    batch.refresh_from_db()
    assert batch.fixes == []


def test_a_workbook_comes_back_marked(city: Population, read: Read) -> None:
    one = city.enterprises[0]
    batch = read(city.clerk, tax([[one.code, one.name, "坏"]]))
    file = batch.files.get()
    client = at(city.clerk)
    assert client.get(page("annotated", batch, file.pk)).status_code == 404
    waiting = client.post(page("annotate", batch, file.pk), follow=True)
    assert "标注 税务局.xlsx" in text(waiting)
    run_pending()
    assert page("annotated", batch, file.pk) in text(client.get(page("show", batch)))
    response = client.get(page("annotated", batch, file.pk))
    assert "attachment" in response.headers["Content-Disposition"]
    book = openpyxl.load_workbook(io.BytesIO(b"".join(response.streaming_content)))
    assert book.sheetnames == ["税收", "问题清单"]
    assert "不是数字" in book["税收"]["C2"].comment.text
    original = client.get(page("original", batch, file.pk))
    assert b"".join(original.streaming_content) == file.stored.path.read_bytes()


def test_changes_and_list_show_who_changed_what(city: Population, read: Read) -> None:
    one, two = city.enterprises[:2]
    accept(city.clerk, read(city.clerk, tax(taxes([one, two], [1, 2]))), reading=1)
    batch = read(city.data_clerk, tax(taxes([one, two], [1, 3]), "更正.xlsx"))
    client = at(city.clerk)
    changes = text(client.get(page("changes", batch)))
    assert "2.00 → <b>3.00</b>" in changes
    listed = text(client.get(reverse("intake:list"), {"q": "税务陈"}))
    assert "更正.xlsx" in listed
    assert "经办张" not in listed.split("<tbody>")[1]
    assert text(client.get(reverse("intake:list"), {"state": "accepted"})).count("<tr>") == 2


def test_everything_is_said_in_english(city: Population, read: Read) -> None:
    one = city.enterprises[0]
    batch = read(city.clerk, tax([[one.code, one.name, "bad"]]), roster([roster_row(one)]))
    client = at(city.clerk, "en")
    assert "Accept this batch" in text(client.get(page("show", batch)))
    assert "is not a number" in text(client.get(page("problems", batch), {"severity": "error"}))
    assert "not a table file" in text(
        client.post(reverse("intake:new"), {"year": "2025", "files": [upload("a.exe", b"MZ")]})
    )


ADDRESSES = [pattern.name for pattern in urlpatterns]


@pytest.mark.parametrize("name", ADDRESSES)
def test_what_is_not_a_persons_business_is_not_there(city: Population, read: Read, name: str) -> None:
    batch = read(city.county_clerk, tax(taxes(city.enterprises[:1], ["坏"])))
    file = batch.files.get()
    args = {"sheet": [batch.pk, 0]}.get(name, [batch.pk])
    if name in ("remove", "original", "annotate", "annotated"):
        args = [batch.pk, file.pk]
    address = reverse(f"intake:{name}", args=[] if name in ("list", "new") else args)
    methods = ("get", "post")
    for method in methods:
        answer = getattr(Client(), method)(address)
        assert (answer.status_code, answer.headers["Location"].split("?")[0]) == (
            302,
            reverse("people:login"),
        )
    for who in ("other_county_clerk", "township_clerk", "owner"):
        client = at(city.people[who])
        for method in methods:
            status = getattr(client, method)(address, follow=True).status_code
            if name not in ("list", "new"):
                assert status in (404, 405), (who, method)
            elif who == "owner":
                assert status in (403, 405), method
    listed = text(at(city.other_county_clerk).get(reverse("intake:list")))
    assert batch.title not in listed.split("<main")[1]
    batch.refresh_from_db()
    assert (batch.state, batch.reading) == (Batch.State.REVIEW, 1)


def test_who_may_look_only_is_offered_nothing_else(city: Population, read: Read) -> None:
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], [1])))
    shown = text(at(city.leader).get(page("show", batch)))
    assert "<button" not in shown.split('<main id="main"')[1].replace('<button class="link">原', "")
    for name, more in (("accept", {"reading": "1"}), ("abandon", {}), ("undo", {"why": "x"}), ("reread", {})):
        response = at(city.leader).post(page(name, batch), more)
        assert response.status_code == 403, name
    assert at(city.leader).post(page("sheet", batch, 0), {"kind": "-"}).status_code == 403


def test_a_colleague_sees_the_reading_without_its_buttons(city: Population) -> None:
    from muheng.web.intake.actions import drop_workbooks

    batch = drop_workbooks(city.data_clerk, 2025, [tax(taxes(city.enterprises[:1], [1]))])
    shown = text(at(city.clerk).get(page("show", batch)))
    assert "读取 税务局.xlsx" in shown
    assert "hx-get" not in shown.split("<main")[1]


def test_pages_cost_few_queries(city: Population, read: Read) -> None:
    for number in range(4):
        read(city.clerk, tax(taxes(city.enterprises[:2], [1, number]), f"{number}.xlsx"))
    client = at(city.clerk)
    batch = Batch.objects.latest("pk")
    client.get(page("show", batch))
    for address, most in (
        (reverse("intake:list"), 14),
        (page("show", batch), 13),
        (page("problems", batch), 9),
    ):
        with CaptureQueriesContext(
            connection,
        ) as spent:
            assert client.get(address).status_code == 200
        assert len(spent) <= most, [query["sql"][:120] for query in spent]


@pytest.mark.parametrize(
    "query",
    [
        "?page=x&year=99999999999999999999&state=x",
        "?year=-1",
        "?page=999&severity=x&kind=x&q=%5B",
    ],
)
def test_odd_questions_are_answered(city: Population, read: Read, query: str) -> None:
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], ["坏"])))
    client = at(city.clerk)
    for address in (reverse("intake:list"), page("problems", batch), page("sheet", batch, 0)):
        assert client.get(address + query).status_code == 200
