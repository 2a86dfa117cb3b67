"""The demo year's workbooks as the departments hand them in: read, accepted with what was wrong left out, one left to do."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile

from muheng.cities.demo import DemoRegistry, write_demo
from muheng.web.demo.days import moment, working_day_before
from muheng.web.demo.persons import People
from muheng.web.demo.work import do_pending
from muheng.web.intake.actions import accept, drop_workbooks
from muheng.web.intake.models import Batch
from muheng.web.people.models import User

HANDED_IN = 52  # working days ago
_ROSTER, _TAX = "经信局", "税务局"


def take_batches(people: People, registry: DemoRegistry) -> None:
    """The roster first, then the tax bureau's own, then what came on paper to the lead bureau; each accepted."""
    with tempfile.TemporaryDirectory() as folder:
        files = write_demo(registry.city, Path(folder))
        roster = [file for file in files if file.name.startswith(_ROSTER)]
        tax = [file for file in files if file.name.startswith(_TAX)]
        others = [file for file in files if file not in (*roster, *tax)]
        for back, person, part, title in (
            (0, people.clerk, roster, f"{registry.year} 年企业名单"),
            (2, people.tax_clerk, tax, f"{registry.year} 年入库税收"),
            (5, people.clerk, others, f"{registry.year} 年用地、用电、用水、统计、排放"),
        ):
            day = working_day_before(HANDED_IN - back)
            batch = drop(person, registry.year, part, title, moment(day, 9, 30))
            accept(
                people.clerk,
                batch,
                reading=batch.reading,
                withheld=batch.count("errors"),
                at=moment(working_day_before(HANDED_IN - back - 1), 16),
            )


def drop(person: User, year: int, files: Sequence[Path], title: str, at: datetime) -> Batch:
    """Hand in files and have them read."""
    uploads = [SimpleUploadedFile(file.name, file.read_bytes()) for file in files]
    batch = drop_workbooks(person, year, uploads, title, at)
    do_pending()
    batch.refresh_from_db()
    return batch


def leave_one_waiting(people: People, registry: DemoRegistry) -> Batch:
    """The tax bureau sends corrections by hand; a few of their cells are not what they should be."""
    name = f"税务局{registry.year}补充更正.xlsx"
    upload = SimpleUploadedFile(name, _write_corrections(registry))
    batch = drop_workbooks(
        people.tax_clerk,
        registry.year,
        [upload],
        f"{registry.year} 年入库税收补充更正",
        moment(working_day_before(1), 15, 20),
    )
    do_pending()
    batch.refresh_from_db()
    return batch


def _write_corrections(registry: DemoRegistry) -> bytes:
    truth = registry.city.truth.filter(registry.city.truth["入库税收"] > 100)
    rows = truth.gather_every(max(1, truth.height // 14)).head(14)
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet("入库税收更正")
        sheet.write_row(0, 0, [f"{registry.year}年度入库税收补充更正表（演示数据）"])
        sheet.write_row(1, 0, ["纳税人识别号", "纳税人名称", "入库税收（万元）"])
        for at, (code, name, tax) in enumerate(
            rows.select("统一社会信用代码", "企业名称", "入库税收").iter_rows(), 2
        ):
            sheet.write_row(at, 0, [code, name])
            corrected = round(tax * 102 / 100, 2)
            if at == 4:
                sheet.write_string(at, 2, f"{corrected:,}万")
            elif at == 7:
                sheet.write_string(at, 2, "待核")
            elif at == 9:
                sheet.write_number(at, 2, float(corrected) * 10_000)
            else:
                sheet.write_number(at, 2, float(corrected))
        sheet.write_row(17, 0, ["91340500MA0000000X", "某某（已迁出）有限公司", 12.5])
    return out.getvalue()
