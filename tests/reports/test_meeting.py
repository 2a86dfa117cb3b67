"""The weekly sheet and the monthly review: sentences made of figures, Word files, workbooks."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date
from pathlib import Path

import docx
import openpyxl
import pytest
from docx.oxml.ns import qn

from muheng.casework.figures import Figures
from muheng.documents.message import Refusal
from muheng.reports import meeting, review
from muheng.reports.meeting import SHOWN, Item, Line, Meeting, Visited
from muheng.reports.meeting_files import find_template, write_docx, write_xlsx
from muheng.reports.review import Review, Standing

WEEK = Figures(
    opened=12, closed=15, timed=15, on_time=14, net_days=93, gross_days=120, rated=6, rating=28, satisfied=5
)
MONTH = Figures(
    opened=40, closed=30, timed=30, on_time=29, net_days=186, gross_days=210, rated=30, rating=140, satisfied=29,
    reopened=1, legal=30, legal_limit=600, legal_net=186,
)  # fmt: skip


def item(number: int, **given: object) -> Item:
    values = {
        "number": f"SQ-2026-{number:06d}",
        "title": '=HYPERLINK("x") <w:p> & 扩容',
        "enterprise": "亩衡机械有限公司",
        "office": "东山区自然资源局",
        "handler": "承办王",
        "opened": date(2026, 11, 17),
    } | given
    return Item.model_validate(values)


def sheet(**given: object) -> Meeting:
    values = {
        "title": "测试市企业诉求办理每周例会材料",
        "issuer": "企业服务专班",
        "place": "全市",
        "subject": "企业诉求",
        "first": date(2026, 11, 16),
        "last": date(2026, 11, 22),
        "as_of": date(2026, 11, 20),
        "now": WEEK,
        "before": Figures(opened=9, closed=15),
        "open": 36,
        "overdue": 3,
        "escalated": 2,
        "counties": (Line(name="东山区", figures=WEEK, open=30, overdue=3),),
        "opened_items": tuple(item(n) for n in range(SHOWN + 5)),
        "closed_items": (item(50, closed=date(2026, 11, 18), net_days=12, late=True, rating=4),),
        "overdue_items": (
            item(51, due=date(2026, 11, 12), overdue=6, progress="等厂家答复。", must_act="承办王"),
        ),
        "visits": (Visited(on=date(2026, 11, 17), enterprise="亩衡机械有限公司", found="缺电工"),),
        "decisions": ("由谁牵头 <省厅> & 市局",),
    } | given
    return Meeting.model_validate(values)


def standing(name: str, place: int | None, before: int | None = None) -> Standing:
    return Standing(name=name, place=place, before=before, score="90.00", figures=MONTH, overdue=1)


def monthly(**given: object) -> Review:
    values = {
        "title": "测试市企业诉求办理2026年11月点评",
        "issuer": "企业服务专班",
        "place": "全市",
        "subject": "企业诉求",
        "first": date(2026, 11, 1),
        "last": date(2026, 11, 30),
        "as_of": date(2026, 11, 30),
        "now": MONTH,
        "before": Figures(
            opened=40, closed=20, timed=20, on_time=18, net_days=140, gross_days=150, rated=10, satisfied=10
        ),
        "open": 36,
        "overdue": 0,
        "rule": "县（市、区）诉求办理排名",
        "explained": ("办结不足3件的不排名。",),
        "indicators": ("on_time", "net_days", "satisfied"),
        "standings": (
            standing("甲县", 1, 3),
            standing("乙县", 2, 2),
            standing("丙县", 3, 1),
            standing("丁县", None),
        ),
        "kinds": (Line(name="用地", figures=WEEK),),
        "good": (item(1, closed=date(2026, 11, 5), net_days=2, rating=5, progress="已通电"),),
        "bad": (item(2, due=date(2026, 11, 2), overdue=12, level=1),),
    } | given
    return Review.model_validate(values)


def test_the_week_in_sentences() -> None:
    assert meeting.summarise(sheet()) == [
        "截至2026年11月20日，全市在办企业诉求36件，其中超期3件，已上报2件。",
        "本周（2026年11月16日至11月22日）新增12件，比上周同期多3件；办结15件，与上周同期持平。",
        "办结的企业诉求中，按时办结14件，按时办结率93.3%，平均净用时6.2个工作日，企业评价6件，满意率83.3%。",
        "超期的在东山区3件。",
        "下周没有到期的。",
        "本周走访企业1次，涉及1家。",
    ]


def test_a_week_in_which_nothing_happened() -> None:
    nothing = Figures()
    said = meeting.summarise(
        sheet(
            now=nothing,
            before=nothing,
            open=0,
            overdue=0,
            escalated=0,
            counties=(),
            visits=(),
            as_of=date(2026, 11, 22),
        )
    )
    assert said == [
        "截至2026年11月22日，全市在办企业诉求0件。",
        "本周（2026年11月16日至11月22日）新增0件，与上周持平；办结0件，与上周持平。",
        "下周没有到期的。",
    ]


def test_the_month_in_sentences() -> None:
    assert review.summarise(monthly()) == [
        "截至2026年11月30日，11月全市新增企业诉求40件，与上月持平；办结30件，比上月多10件；在办36件，没有超期的。",
        "按时办结率96.7%，比上月提高6.7个百分点。",
        "平均净用时6.2个工作日，比上月缩短0.8个工作日；连同暂停，平均7.0个工作日。",
        "较规定时限压缩69%（30件有规定时限）。",
        "企业评价30件，满意率96.7%，比上月下降3.3个百分点；平均4.67分。",
        "办结后重新办理的1件。",
        "新增的以用地12件为多。",
    ]
    assert review.name_best(monthly()) == [
        "甲县第1名，比上月上升2名，办结30件，按时办结率96.7%，平均净用时6.2个工作日，满意率96.7%，现有超期1件。"
    ]
    assert review.name_worst(monthly())[0].startswith("丙县第3名，比上月下降2名，")
    assert review.name_worst(monthly(standings=(standing("甲县", 1), standing("乙县", 2)))) == []
    assert review.tell_bad(monthly().bad[0]).endswith(
        "应于2026年11月2日办结，已超期12个工作日，已上报到第1级。最近进展：未说明。"
    )
    assert review.tell_good(monthly().good[0]).endswith("用2个工作日办结，企业评5分。已通电。")


def read_word(content: bytes) -> tuple[str, list[list[list[str]]]]:
    document = docx.Document(io.BytesIO(content))
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]
    return "\n".join(each.text for each in document.paragraphs), tables


@pytest.mark.parametrize(
    "paper",
    [
        sheet(),
        monthly(),
        sheet(opened_items=(), overdue_items=(), visits=(), decisions=(), counties=(), closed_items=()),
        monthly(standings=(), kinds=(), good=(), bad=(), now=Figures()),
    ],
)
def test_every_paper_becomes_a_whole_word_file(paper: Meeting | Review) -> None:
    kind = "meeting" if isinstance(paper, Meeting) else "review"
    content = write_docx(paper, find_template(kind))
    assert content == write_docx(paper, find_template(kind))
    text, _tables = read_word(content)
    assert paper.title in text
    assert not re.search(r"[{}]|None", text)
    for line in meeting.summarise(paper) if isinstance(paper, Meeting) else review.summarise(paper):
        assert line in text


def test_the_tables_of_the_week_hold_the_cases_as_they_are_written() -> None:
    text, tables = read_word(write_docx(sheet(), find_template("meeting")))
    assert "1．由谁牵头 <省厅> & 市局" in text
    assert "另有5件，见所附表格。" in text
    rows = [row for table in tables for row in table]
    assert ["东山区", "12", "15", "93.3%", "6.2", "30", "3"] in rows
    overdue = next(row for row in rows if "6个工作日" in row)
    assert overdue[2] == '=HYPERLINK("x") <w:p> & 扩容'
    assert overdue[3:] == ["11.12", "6个工作日", "东山区自然资源局（承办王）", "等厂家答复。", "承办王"]
    assert sum(len(row) == 6 and row[1] == "亩衡机械有限公司" for row in rows) == SHOWN


def test_papers_look_as_offices_write_them() -> None:
    for name, paper in (("meeting", sheet()), ("review", monthly())):
        document = docx.Document(io.BytesIO(write_docx(paper, find_template(name))))
        fonts = {
            style.name: style.element.rPr.rFonts.get(qn("w:eastAsia"))
            for style in document.styles
            if style.element.rPr is not None and style.element.rPr.rFonts is not None
        }
        assert fonts["公文标题"] == "方正小标宋简体"
        assert fonts["公文正文"] == "仿宋_GB2312"
        assert fonts["Heading 1"] == "黑体"
        page = document.sections[0]
        assert (round(page.page_width.mm), round(page.page_height.mm)) == (210, 297)
        for table in document.tables:
            head, *rows = table.rows
            assert head._tr.trPr.find(qn("w:tblHeader")) is not None
            assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in rows)


def test_a_city_has_its_own_template_and_is_told_what_is_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "papers").mkdir()
    own = tmp_path / "papers" / "meeting.docx"
    document = docx.Document()
    document.add_paragraph("本市例会：{{ 概况[0] }}")
    document.save(str(own))
    assert find_template("meeting", tmp_path) == own
    assert find_template("review", tmp_path) == find_template("review")
    assert read_word(write_docx(sheet(), own))[0].startswith("本市例会：截至2026年11月20日")
    for wrong in ("{{ 概况[0] ", "{% for 句 in 概况 %}", "{{ ''.__class__.__mro__ }}"):
        document = docx.Document()
        document.add_paragraph(wrong)
        document.save(str(own))
        with pytest.raises(Refusal, match=r"meeting\.docx 用不了"):
            write_docx(sheet(), own)
    own.write_bytes(b"no zip")
    with pytest.raises(Refusal):
        write_docx(sheet(), own)


def test_workbooks_hold_every_row_and_no_formula(tmp_path: Path) -> None:
    path = tmp_path / "week.xlsx"
    write_xlsx(sheet(), path)
    book = openpyxl.load_workbook(path)
    assert book["新增"].max_row == SHOWN + 5 + 2
    cells = [cell for row in book["新增"].iter_rows() for cell in row if cell.value is not None]
    assert all(cell.data_type != "f" for cell in cells)
    first = path.read_bytes()
    write_xlsx(sheet(), path)
    assert path.read_bytes() == first
    write_xlsx(monthly(), path)
    book = openpyxl.load_workbook(path)
    ranking = [row[:5] for row in book["排名"].iter_rows(values_only=True)]
    assert (1, 3, "甲县", "90.00", 30) in ranking


def test_what_was_issued_is_read_back_as_it_was() -> None:
    for paper in (sheet(), monthly()):
        assert type(paper).model_validate(paper.model_dump(mode="json")) == paper


def test_shipped_templates_name_no_machine_and_no_author() -> None:
    for name in ("meeting", "review"):
        with zipfile.ZipFile(find_template(name)) as file:
            core = file.read("docProps/core.xml").decode()
            assert re.search(r"<dc:creator>\s*</dc:creator>|<dc:creator/>", core), core
