"""The order of one plant, its board and the city's list: what they say, and that Word opens them."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from docx import Document

from muheng.reports.meeting_files import fill_template, find_template
from muheng.reports.order import (
    OrderedLine,
    PlantOrder,
    fill_order,
    fill_roster,
    kilograms,
    moment,
    ten_thousand_yuan,
)

START = datetime(2026, 11, 20, 14, tzinfo=ZoneInfo("Asia/Shanghai"))
STOP = OrderedLine(
    measure=1,
    line="A-1",
    name="1号线",
    step="停产",
    kind="停产",
    part=1000,
    count_by="生产线计",
    evidence="用电",
    meter="M-1",
    cut=(1_250, 0, 300, 0),
    loss=1_250_000,
    change="原为限产50%",
)
LIMIT = OrderedLine(measure=2, line="A-2", name="<b>2号线", step="限产35%", part=350, cut=(0, 49, 0, 51))


def make_order(**changed: object) -> PlantOrder:
    values: dict[str, object] = {
        "number": "测环〔2026〕1号",
        "issuer": "测试市生态环境局",
        "place": "测试市",
        "code": "91340500MA00000011",
        "name": "东山精工&机械",
        "county": "东山区",
        "level": "orange",
        "sent": START - timedelta(hours=20),
        "starts": START,
        "ends": START + timedelta(days=2),
        "due": START,
        "acknowledge_hours": 2,
        "lines": (STOP, LIMIT),
    }
    return PlantOrder.model_validate(values | changed)


def words(content: bytes) -> str:
    document = Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(each.text for each in document.paragraphs), *cells])


@pytest.mark.parametrize("paper", ["order", "board"])
def test_the_papers_say_what_the_order_says(paper: str) -> None:
    order = make_order(before="yellow", released=("3号线",), grade="C")
    made = fill_template(fill_order(order), find_template(paper), order.sent.date())
    said = words(made)
    for each in (
        "东山精工&机械",
        "<b>2号线",
        "停止生产",
        "负荷不超过平日的65%",
        "橙色预警（Ⅱ级响应）",
        "电表M-1",
    ):
        assert each in said
    assert "2026年11月20日14时起，至预警解除（预计2026年11月22日14时）" in said
    assert "{" not in said
    if paper == "order":
        assert "本通知替代此前的黄色预警通知" in said
        assert "可以恢复生产：3号线" in said
        assert "不超过平日的10%" in said
        assert "应保留的负荷加5个百分点" in said
    assert made == fill_template(fill_order(order), find_template(paper), order.sent.date())


def test_first_orders_speak_of_no_change() -> None:
    order = make_order()
    said = words(fill_template(fill_order(order), find_template("order"), order.sent.date()))
    assert "替代" not in said
    assert "恢复生产" not in said


def test_the_list_of_the_city_counts_what_it_lists() -> None:
    many = tuple(LIMIT.model_copy(update={"line": f"B-{at}", "measure": at}) for at in range(250))
    orders = [make_order(), make_order(name="西湖机械", county="西湖县", lines=many)]
    values = fill_roster(orders, "应急减排措施清单")
    assert (values["户数"], values["条数"], values["停产"], values["限产"]) == (2, 252, 1, 251)
    assert [each["条数"] for each in values["县区"]] == [2, 250]
    assert values["县区"][0]["减排"] == "SO₂ 1.3、NOₓ 0、颗粒物 0.3、VOCs 0.1"
    assert values["另有"] == "另有52条生产线，见所附表格。"
    said = words(fill_template(values, find_template("roster"), orders[0].sent.date()))
    assert "向2家企业的252条生产线下达措施，其中停产1条，限产251条" in said


def test_an_order_is_kept_and_read_again() -> None:
    order = make_order()
    assert PlantOrder.model_validate(order.model_dump(mode="json")) == order


def test_figures_are_rounded_once() -> None:
    assert [kilograms(grams) for grams in (0, 49, 50, 1_250, 12_000)] == ["0", "0", "0.1", "1.3", "12"]
    assert [ten_thousand_yuan(fen) for fen in (0, 5_000, 1_250_000)] == ["0.00", "0.01", "1.25"]
    assert moment(START) == "2026年11月20日14时"
    assert moment(START.replace(minute=5)) == "2026年11月20日14时5分"
