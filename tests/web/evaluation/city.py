"""An evaluation to test with: the small city of ``population``, its figures of 2025, and a method that fits them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl
from django.db import transaction

from muheng.intake.facts import CODE, NAME, Facts, Item, facts_from_table
from muheng.web.evaluation.actions.roster import open_evaluation
from muheng.web.evaluation.models import Evaluation
from muheng.web.jobs.actions import run_pending
from muheng.web.policy.models import PolicyDocument, PolicyVersion
from muheng.web.registry.panels import add_layer
from web.population import Population, make_city

YEAR = 2025
ITEMS = {
    "规模": Item("规模", "text"),
    "状态": Item("状态", "text"),
    "入库税收": Item("入库税收", "number", "万元", 2),
    "自有用地": Item("自有用地", "number", "亩", 4),
    "承租用地": Item("承租用地", "number", "亩", 4),
    "用电量": Item("用电量", "number", "万kWh", 4),
}
POLICY = """
[policy]
id     = "test-city"
name   = "测试市亩均效益评价办法"
source = { document = "测试", status = "自拟" }
valid  = { from = 2024-01-01 }
open   = []

[input]
规模     = { type = "文本", values = ["规上", "规下"], from = "经信", missing = "不参评：名单没有写规模" }
状态     = { type = "文本", from = "经信", missing = "正常" }
入库税收 = { unit = "万元", from = "税务", missing = "得零分" }
自有用地 = { unit = "亩", from = "自然资源", missing = 0 }
承租用地 = { unit = "亩", from = "自然资源", missing = 0 }
用电量   = { unit = "万kWh", from = "供电", missing = "得零分" }

[define]
用地 = { formula = "自有用地 + 承租用地", unit = "亩", must = "> 0", else = "不参评：没有有效用地" }

[[exempt]]
name = "已注销或迁出"
when = "状态 in ['注销', '迁出']"
then = "不参评"

[class.企业]
[[class.企业.indicator]]
name    = "亩均税收"
formula = "入库税收 / 用地"
unit    = "万元/亩"
digits  = 4
weight  = 70
zero    = "得零分"
score   = { by = "比值", base = 20, cap = "1.5倍权重", floor = 0 }

[[class.企业.indicator]]
name    = "单位用电税收"
formula = "入库税收 / 用电量"
unit    = "万元/万kWh"
digits  = 4
weight  = 30
zero    = "得零分"
score   = { by = "比值", base = 1.5, cap = "1.5倍权重", floor = 0 }

[scoring]
score_digits = 4
total_digits = 2
cap          = "不设"
floor        = 0

[grade]
A = { name = "优先发展类" }
B = { name = "鼓励提升类" }
C = { name = "监管调控类" }
D = { name = "落后整治类" }

[grading]
order   = ["总分 降", "统一社会信用代码 升"]
quota   = { A = "20%", B = "60%", C = "95%", D = "100%" }
round   = { A = "舍去", B = "舍去", D = "进一" }
counted = ["参评"]
ties    = "按排序键"
vetoed  = "占名额"
direct  = "占名额"
"""


@dataclass(frozen=True)
class Case:
    """A city with figures, a final method, and an evaluation whose roster is taken."""

    people: Population
    policy: PolicyVersion
    evaluation: Evaluation

    def fresh(self) -> Evaluation:
        return Evaluation.objects.get(pk=self.evaluation.pk)


def moment(day: date, hour: int = 10) -> datetime:
    """A moment of that day where the city is."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo("Asia/Shanghai"))


def make_policy(text: str = POLICY, number: int = 1, state: str = "final") -> PolicyVersion:
    document, _made = PolicyDocument.objects.get_or_create(slug="test-city", title="测试市亩均效益评价办法")
    return PolicyVersion.objects.create(
        document=document,
        number=number,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        state=state,
    )


def make_facts(people: Population, year: int = YEAR) -> Facts:
    """Figures that fall with the number of the enterprise; the sixth is struck off, the seventh has no tax figure."""
    rows = []
    for at, enterprise in enumerate(people.enterprises):
        rows.append(
            {
                CODE: enterprise.code,
                NAME: enterprise.name,
                "规模": enterprise.scale,
                "状态": "注销" if at == 5 else "正常",
                "入库税收": None if at == 6 else (120 - 9 * at) * 1000,
                "自有用地": (30 + at) * 10_000,
                "承租用地": 0 if at % 2 else 5_0000,
                "用电量": (400 + 10 * at) * 10_000,
            }
        )
    schema = {CODE: pl.String(), NAME: pl.String(), **{name: item.dtype for name, item in ITEMS.items()}}
    return facts_from_table(pl.DataFrame(rows, schema), ITEMS, year, file="宽表2025.xlsx", sheet="宽表")


def make_case(opened: date = date(2026, 3, 9)) -> Case:
    """The evaluation of 2025, opened on a working Monday, its roster taken."""
    people = make_city()
    with transaction.atomic():
        add_layer(make_facts(people), "2025 年各部门数据", "test", None)
    policy = make_policy()
    evaluation = open_evaluation(
        people.clerk, YEAR, "2025年度亩均效益评价", people.department, policy, at=moment(opened)
    )
    run_pending()
    return Case(people, policy, Evaluation.objects.get(pk=evaluation.pk))
