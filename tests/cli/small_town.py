"""A town of forty invented enterprises, its policy and its files, and a way to call ``muheng`` on them."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl

from muheng.cli.main import run

YEAR = 2025
COUNT = 40
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

POLICY = """
[policy]
id      = "small-town"
name    = "小镇工业企业亩均效益评价"
source  = { document = "小镇评价办法", status = "测试用" }
valid   = { from = 2024-01-01 }
open    = ["同分怎样排序，文本没有说明"]

[input]
入库税收     = { unit = "万元", from = "税务", missing = "得零分" }
自有用地     = { unit = "亩", from = "自然资源", missing = 0 }
标签         = { type = "标签", from = "经信", missing = "视为缺" }
投产日期     = { type = "日期", from = "经信", missing = "视为缺" }
安全事故等级 = { type = "等级", levels = ["无", "一般", "较大"], from = "经信", missing = "无" }

[define]
用地 = { formula = "自有用地", unit = "亩", must = "> 0", else = "不参评：没有用地" }

[[exempt]]
name = "投产不满两年"
when = "满年(投产日期) < 2"
then = "暂缓评价"

[class.工业]

[[class.工业.indicator]]
name    = "亩均税收"
formula = "入库税收 / 用地"
unit    = "万元/亩"
digits  = 4
weight  = 100
zero    = "得零分"
score   = { by = "比值", base = { of = "同组平均" }, cap = "1.5倍权重", floor = 0 }

[scoring]
score_digits = 4
total_digits = 2
cap          = "不设"
floor        = 0

[limit]
加分 = { take = "合计", cap = 5 }

[[bonus]]
name  = "高新技术企业"
when  = "有('高新技术企业')"
add   = 3
limit = "加分"

[grade]
A = { name = "优先" }
B = { name = "支持" }
C = { name = "提升" }

[grading]
order   = ["总分 降", "统一社会信用代码 升"]
quota   = { A = "20%", B = "70%", C = "100%" }
round   = { A = "四舍五入", B = "四舍五入" }
counted = ["参评"]
ties    = "按排序键"
vetoed  = "占名额"
direct  = "占名额"

[[veto]]
name = "较大及以上生产安全事故"
when = "安全事故等级 >= '较大'"
then = "定为 C"
"""

# The same policy against last year's mean: it cannot run without last year's data.
POLICY_OF_TWO_YEARS = POLICY.replace('of = "同组平均"', 'of = "上年同组平均"').replace(
    "small-town", "two-years"
)

HEAD = (
    "统一社会信用代码",
    "企业名称",
    "入库税收（万元）",
    "自有用地（亩）",
    "标签",
    "投产日期",
    "安全事故等级",
    "乡镇",
)


@dataclass(frozen=True)
class Outcome:
    """What one command line gave."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


def muheng(*arguments: object, **environment: str) -> Outcome:
    """Run one command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(argument) for argument in arguments], environment)
    return Outcome(code, out.getvalue(), err.getvalue())


def make_code(number: int) -> str:
    """A synthetic credit code with a right check digit."""
    body = f"91340500MA{number:07d}"
    total = sum(ALPHABET.index(letter) * pow(3, place, 31) for place, letter in enumerate(body))
    return body + ALPHABET[(31 - total % 31) % 31]


def make_name(number: int) -> str:
    return f"虚构第{number}号机械有限公司"


def town_rows(year: int = YEAR) -> list[list[str]]:
    """A header and forty rows; tax grows with the number, the last ten are special."""
    rows = [list(HEAD)]
    for number in range(COUNT):
        tax = 100 + 7 * number + (year - YEAR) * 5
        land = "0" if number == 39 else f"{10 + number % 3}.5"
        started = "2024-06-30" if number == 38 else "2010-05-01"
        tag = "高新技术企业" if number % 4 == 0 else ""
        accident = "较大" if number == 37 else "无"
        row = [make_code(number), make_name(number), f"{tax}.25", land, tag, started, accident]
        rows.append([*row, "东桥镇" if number % 2 else "西岗街道"])
    return rows


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def write_workbook(path: Path, **sheets: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def write_departments(folder: Path) -> list[Path]:
    """The same town as three departments send it; one tax figure is not a number, one row has a total."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = town_rows()[1:]
    roster: list[list[object]] = [
        ["统一社会信用代码", "企业名称", "规模", "标签", "投产日期", "安全事故等级", "乡镇"],
        *(
            [code, name, "规上", tag or None, day, level, place]
            for code, name, _, _, tag, day, level, place in rows
        ),
    ]
    tax: list[list[object]] = [["2025年入库税收"], ["纳税人识别号", "纳税人名称", "入库税收（元）"]]
    tax += [[code, name, float(figure) * 10_000] for code, name, figure, *_ in rows]
    tax[5][2] = "一千二百万"
    tax.append([None, "合计", 99_999_999])
    land: list[list[object]] = [["权利人", "统一社会信用代码", "宗地号", "面积（㎡）"]]
    land += [
        [name, code, f"B{at:03d}", float(area) * 2000 / 3]
        for at, (code, name, _, area, *_) in enumerate(rows)
    ]
    return [
        write_workbook(folder / "经信局 名单.xlsx", 名单=roster),
        write_workbook(folder / "税务局2025.xlsx", 税收=tax),
        write_workbook(folder / "自然资源.xlsx", 用地=land),
    ]
