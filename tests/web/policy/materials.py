"""A small method of one indicator, its facts for the twelve enterprises of the tests' city, and versions of it."""

from __future__ import annotations

import polars as pl
from django.db import transaction

from muheng.intake.facts import CODE, NAME, Facts, Item
from muheng.web.people.models import User
from muheng.web.policy.documents import digest_of
from muheng.web.policy.models import PolicyDocument, PolicyVersion, Saving
from muheng.web.registry.panels import add_layer
from web.population import Population

YEAR = 2025

TEXT = """# 测试用
[policy]
id     = "test-2025"
name   = "测试办法"
source = { document = "测试文件", status = "自拟" }
valid  = { from = 2025-01-01 }
open   = ["同分怎样排没有说明。"]

[input]
税收 = { unit = "万元", digits = 2, missing = "得零分", from = "税务" }
用地 = { unit = "亩", digits = 2, missing = "不参评：没有用地", range = [0.01, 10000] }
失信 = { type = "文本", values = ["是", "否"], missing = "否" }

[class.企业]
[[class.企业.indicator]]
name    = "亩均税收"
formula = "税收 / 用地"
unit    = "万元/亩"
digits  = 2
weight  = 100
score   = { by = "比值", base = 10, cap = "不设", floor = 0 }
clause  = "第三条"

[scoring]
score_digits = 2
total_digits = 2
cap   = "不设"
floor = "不设"

[grade]
A = { name = "优先" }
B = { name = "支持" }
C = { name = "限制" }

[grading]
order   = ["总分 降", "统一社会信用代码 升"]
quota   = { A = "25%", B = "75%", C = "100%" }
round   = { A = "四舍五入", B = "四舍五入" }
counted = ["参评"]
ties    = "按排序键"
vetoed  = "占名额"
direct  = "占名额"

[[veto]]
name = "严重失信"
when = "失信 == '是'"
then = "最高 C"
"""
WIDER = TEXT.replace('A = "25%"', 'A = "50%"')
"""Three more enterprises are A."""
BROKEN = TEXT.replace("weight  = 100", "weight  = 90")
NO_TOML = TEXT.replace("[input]", "[input")


def make_version(
    text: str = TEXT,
    number: int = 1,
    *,
    final: bool = True,
    author: User | None = None,
    slug: str = "test-2025",
) -> PolicyVersion:
    """A version as it stands in the database, past its deeds."""
    document, _made = PolicyDocument.objects.get_or_create(slug=slug, defaults={"title": "测试办法"})
    version = PolicyVersion.objects.create(
        document=document,
        number=number,
        text=text,
        sha256=digest_of(text),
        state=PolicyVersion.State.FINAL if final else PolicyVersion.State.DRAFT,
        author=author,
    )
    Saving.objects.create(version=version, sha256=version.sha256, text=text, author=author)
    return version


def give_facts(city: Population, year: int = YEAR) -> None:
    """税收 120, 110, … on 10 亩 each: the first enterprise is the best, the third breaks its word."""
    enterprises = city.enterprises
    frame = pl.DataFrame(
        {
            CODE: [each.code for each in enterprises],
            NAME: [each.name for each in enterprises],
            "税收": [(120 - 10 * at) * 100 for at in range(len(enterprises))],
            "用地": [1000] * len(enterprises),
            "失信": ["是" if at == 2 else "否" for at in range(len(enterprises))],
        }
    ).sort(CODE)
    items = {
        "税收": Item("税收", "number", "万元", 2),
        "用地": Item("用地", "number", "亩", 2),
        "失信": Item("失信", "text"),
    }
    with transaction.atomic():
        add_layer(Facts(year, items, frame), "测试数据", "test", city.clerk)
