"""Files that are broken, odd or made to do harm: a clear word for each, in bounded memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from muheng.intake.layout import Layout
from muheng.intake.problem import Problem, format_problem
from muheng.intake.tables import read_tables
from muheng.intake.workbooks import Intake, read_workbooks

from .conftest import MakeWorkbook, make_code, make_name, roster_rows

CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
)
RELS = (
    '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" Target="{target}"/>'
    "</Relationships>"
)
BOOK = (
    '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="名单" sheetId="1" r:id="rId1"/></sheets></workbook>'
)
SHEET = (
    '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    "<sheetData>{rows}</sheetData></worksheet>"
)


def forge(path: Path, sheet: bytes | str) -> Path:
    """A minimal .xlsx with any text for its sheet."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("_rels/.rels", RELS.format(kind="officeDocument", target="xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr(
            "xl/_rels/workbook.xml.rels", RELS.format(kind="worksheet", target="worksheets/sheet1.xml")
        )
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return path


def text_cell(address: str | None, text: str) -> str:
    at = f' r="{address}"' if address else ""
    return f'<c{at} t="inlineStr"><is><t>{text}</t></is></c>'


def words(problems: list[Problem]) -> str:
    return "\n".join(format_problem(problem) for problem in problems)


def refused(path: Path) -> str:
    tables, problems = read_tables(path)
    assert tables == []
    assert len(problems) == 1
    assert problems[0].severity == "error"
    return words(problems)


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "空.xlsx"
    path.write_bytes(b"")
    assert "空.xlsx：文件是空的。" in refused(path)


def test_what_is_no_workbook_is_told_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "税.xlsx"
    path.write_bytes(b"\x89PNG....")
    assert "不是 Excel 工作簿" in refused(path)
    path.write_bytes(b"PK\x03\x04 torn")
    assert "已损坏" in refused(path)
    path.write_text("<html><table><tr><td>1</td></tr></table></html>", encoding="utf-8")
    assert "网页" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert "不是 Excel 工作簿" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.bin", b"\0")
    assert ".xlsb" in refused(path)


def test_a_torn_workbook(tmp_path: Path, workbook: MakeWorkbook) -> None:
    whole = workbook("经信局.xlsx", {"名单": roster_rows(50)}).read_bytes()
    path = tmp_path / "断.xlsx"
    for part in range(1, 40):
        path.write_bytes(whole[: len(whole) * part // 40])
        assert "断.xlsx" in refused(path)


def test_a_workbook_with_flipped_bytes_never_raises(tmp_path: Path, workbook: MakeWorkbook) -> None:
    whole = bytearray(workbook("经信局.xlsx", {"名单": roster_rows(50)}).read_bytes())
    path = tmp_path / "坏.xlsx"
    for place in range(0, len(whole), 97):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        path.write_bytes(broken)
        tables, problems = read_tables(path)
        assert tables or problems


def test_an_encrypted_workbook(tmp_path: Path) -> None:
    path = tmp_path / "密.xlsx"
    body = bytearray(4096)
    body[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    body[2048:2080] = "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(body)
    assert "加了密码" in refused(path)
    assert "取消密码" in refused(path)


def test_a_broken_old_workbook(tmp_path: Path) -> None:
    path = tmp_path / "旧.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096))
    assert "已损坏" in refused(path)


def test_a_workbook_without_sheets_or_cells(tmp_path: Path) -> None:
    path = forge(tmp_path / "无.xlsx", SHEET.format(rows=""))
    assert "没有数据" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("_rels/.rels", RELS.format(kind="officeDocument", target="xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", BOOK.replace('<sheet name="名单" sheetId="1" r:id="rId1"/>', ""))
    assert "没有数据" in refused(path) or "损坏" in refused(path)


def test_entity_declarations_are_not_expanded(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    path = forge(tmp_path / "实体.xlsx", SHEET.replace("?>", "?>" + bomb, 1).format(rows=""))
    assert "实体声明" in refused(path)


def test_one_far_cell_asks_for_a_huge_rectangle(tmp_path: Path) -> None:
    rows = f'<row r="1">{text_cell("A1", "x")}</row><row r="1048576">{text_cell("XFD1048576", "x")}</row>'
    path = forge(tmp_path / "远.xlsx", SHEET.format(rows=rows))
    assert "1,048,576 行 × 16,384 列" in refused(path)


def test_far_cells_out_of_order_or_without_addresses(tmp_path: Path) -> None:
    rows = (
        f'<row r="1">{text_cell("XFD1", "x")}{text_cell("A1", "x")}</row>'
        f'<row r="2">{text_cell("A1048576", "x")}</row><row r="3">{text_cell("A3", "x")}</row>'
    )
    assert "1,048,576 行 × 16,384 列" in refused(forge(tmp_path / "乱.xlsx", SHEET.format(rows=rows)))
    wide = "<row>" + text_cell(None, "x") * 3000 + "</row>"
    tall = "<row>" + text_cell(None, "x") + "</row>"
    path = forge(tmp_path / "无址.xlsx", SHEET.format(rows=wide + tall * 20_000))
    assert "20,001 行 × 3,000 列" in refused(path)


def test_blank_formatted_cells_far_away_do_no_harm(tmp_path: Path, layouts: list[Layout]) -> None:
    head = "".join(
        text_cell(f"{c}1", t) for c, t in zip("ABC", ("统一社会信用代码", "企业名称", "规模"), strict=True)
    )
    row = text_cell("A2", make_code(1)) + text_cell("B2", "虚构甲有限公司") + text_cell("C2", "规上")
    far = '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    path = forge(
        tmp_path / "格式.xlsx", SHEET.format(rows=f'<row r="1">{head}</row><row r="2">{row}</row>{far}')
    )
    intake = read_workbooks([path], layouts, 2022)
    assert intake.facts.frame.height == 1
    assert not [p for p in intake.problems if p.severity == "error"]


def run_bounded(path: Path, megabytes: int) -> dict[str, object]:
    """Read a file in a process that dies when it takes more memory than this beyond what it starts with."""
    program = """
import json, resource, sys
from collections.abc import Callable
from pathlib import Path
from muheng.intake.tables import read_tables
import fastexcel, polars, numpy
start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
tables, problems = read_tables(Path(sys.argv[1]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
words = [str(problem.what) for problem in problems]
print(json.dumps({"mb": (peak - start) / 1024, "heights": [t.frame.height for t in tables], "words": words}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
    )
    answer: dict[str, object] = json.loads(done.stdout)
    assert isinstance(answer["mb"], float)
    assert answer["mb"] < megabytes, answer
    return answer


def test_a_zip_bomb_is_refused_by_the_size_it_declares(tmp_path: Path) -> None:
    path = forge(tmp_path / "炸弹.xlsx", SHEET.format(rows="<row/>" * 1000))
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", size), struct.pack("<I", 2_000_000_000)))
    answer = run_bounded(path, 60)
    assert "超过上限" in str(answer["words"])


def test_a_workbook_too_well_packed_is_refused_for_that(tmp_path: Path) -> None:
    path = forge(tmp_path / "炸弹.xlsx", SHEET.format(rows="<row/>" * 1000))
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<I", size), struct.pack("<I", 600 << 20)))
    words = str(run_bounded(path, 60)["words"])
    assert "解压后有 600 MB，是压缩包的" in words
    assert "上限" not in words


def test_a_zip_bomb_that_lies_about_its_size_is_refused_while_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "说谎.xlsx"
    row = b'<row r="1"><c r="A1"><v>1</v></c></row>'
    head, tail = SHEET.split("{rows}")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        archive.writestr("_rels/.rels", RELS.format(kind="officeDocument", target="xl/workbook.xml"))
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr(
            "xl/_rels/workbook.xml.rels", RELS.format(kind="worksheet", target="worksheets/sheet1.xml")
        )
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            part.write(head.encode())
            for _ in range(300):
                part.write(row * 27_000)
            part.write(tail.encode())
    size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    data = path.read_bytes()
    assert data.count(struct.pack("<I", size)) >= 1
    path.write_bytes(data.replace(struct.pack("<I", size), struct.pack("<I", 5000)))
    answer = run_bounded(path, 120)
    assert answer["heights"] == []
    assert answer["words"]


def test_a_million_blank_rows(tmp_path: Path, layouts: list[Layout]) -> None:
    rows = []
    for at, row in enumerate(roster_rows(3), start=1):
        cells = "".join(text_cell(f"{c}{at}", str(v)) for c, v in zip("ABCD", row, strict=True))
        rows.append(f'<row r="{at}">{cells}</row>')
    rows += [f'<row r="{at}"><c r="A{at}" s="1"/><c r="B{at}" s="1"/></row>' for at in range(5, 1_000_000)]
    path = forge(tmp_path / "空行.xlsx", SHEET.format(rows="".join(rows)))
    answer = run_bounded(path, 200)
    assert answer["heights"] == [4]


def test_a_million_blank_lines_of_text(tmp_path: Path, layouts: list[Layout]) -> None:
    path = tmp_path / "名单.csv"
    text = "\n".join(",".join(map(str, row)) for row in roster_rows(3)) + "\n" * 1_000_000
    path.write_text(text, encoding="utf-8")
    intake = read_workbooks([path], layouts, 2022)
    assert intake.facts.frame.height == 3
    assert intake.sheets[0].blank > 999_990
    assert intake.sheets[0].rows == 3


def test_two_thousand_columns(workbook: MakeWorkbook, layouts: list[Layout]) -> None:
    rows = [
        [*row, *([f"多余{i}" for i in range(2000)] if at == 0 else range(2000))]
        for at, row in enumerate(roster_rows(4))
    ]
    intake = read_workbooks([workbook("宽.xlsx", {"名单": rows})], layouts, 2022)
    assert intake.facts.frame.height == 4
    assert "没有读入" in words(list(intake.problems))


def test_formulas_without_a_stored_result_are_no_blanks(
    workbook: MakeWorkbook, layouts: list[Layout]
) -> None:
    tax = [["统一社会信用代码", "企业名称", "入库税收"]]
    tax += [[make_code(n), make_name(n), 10 + n] for n in range(6)]
    tax[3][2] = "=1+1"
    files = [workbook("经信局.xlsx", {"名单": roster_rows(6)}), workbook("税务局.xlsx", {"税收": tax})]
    intake = read_workbooks(files, layouts, 2022)
    found = [p for p in intake.problems if p.cell == "C4"]
    assert [str(p.what) for p in found] == ["公式没有结果。"]
    values = dict(intake.facts.frame.select("统一社会信用代码", "入库税收").iter_rows())
    assert values[make_code(2)] is None
    assert values[make_code(3)] == 1300


def test_a_row_of_nothing_but_uncomputed_formulas_is_listed(
    workbook: MakeWorkbook, layouts: list[Layout]
) -> None:
    tax: list[list[object]] = [["统一社会信用代码", "企业名称", "入库税收"], ['=""&A1', '=""&B1', "=1+1"]]
    files = [workbook("经信局.xlsx", {"名单": roster_rows(2)}), workbook("税务局.xlsx", {"税收": tax})]
    intake = read_workbooks(files, layouts, 2022)
    report = next(r for r in intake.sheets if r.layout == "tax")
    assert (report.rows, report.listed) == (1, 1)


def test_a_sheet_of_nothing_but_uncomputed_formulas(tmp_path: Path) -> None:
    cells = '<c r="A{n}"><f>1+1</f></c><c r="B{n}"><f>1+1</f><v></v></c>'
    rows = "".join(f'<row r="{n}">{cells.format(n=n)}</row>' for n in range(1, 60_000))
    assert "公式没有结果" in refused(forge(tmp_path / "公式.xlsx", SHEET.format(rows=rows)))


def test_error_values_are_problems(tmp_path: Path, workbook: MakeWorkbook, layouts: list[Layout]) -> None:
    head = "".join(
        text_cell(f"{c}1", t)
        for c, t in zip("ABC", ("统一社会信用代码", "企业名称", "入库税收"), strict=True)
    )
    row = text_cell("A2", make_code(1)) + text_cell("B2", make_name(1)) + '<c r="C2" t="e"><v>#DIV/0!</v></c>'
    path = forge(
        tmp_path / "税务局.xlsx", SHEET.format(rows=f'<row r="1">{head}</row><row r="2">{row}</row>')
    )
    intake = read_workbooks([workbook("经信局.xlsx", {"名单": roster_rows(3)}), path], layouts, 2022)
    found = [p for p in intake.problems if p.cell == "C2"]
    assert len(found) == 1
    assert found[0].severity == "error"
    assert "错误值" in str(found[0].what)


def test_hidden_sheets_are_told_of_and_not_read(tmp_path: Path, layouts: list[Layout]) -> None:
    book = openpyxl.Workbook()
    shown = book.worksheets[0]
    shown.title = "名单"
    hidden = book.create_sheet("去年")
    for row in roster_rows(3):
        shown.append(list(row))
        hidden.append(list(row))
    hidden.sheet_state = "hidden"
    path = tmp_path / "经信局.xlsx"
    book.save(path)
    intake = read_workbooks([path], layouts, 2022)
    assert [report.sheet for report in intake.sheets] == ["名单"]
    assert "工作表“去年”是隐藏的，没有读取。" in words(list(intake.problems))


def read_text(
    tmp_path: Path, layouts: list[Layout], text: str, encoding: str, name: str = "名单.csv"
) -> Intake:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return read_workbooks([path], layouts, 2022)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", ";"])
def test_text_files_in_every_usual_encoding(
    tmp_path: Path, layouts: list[Layout], encoding: str, separator: str
) -> None:
    text = "\r\n".join(separator.join(map(str, row)) for row in roster_rows(5))
    intake = read_text(tmp_path, layouts, text, encoding)
    assert intake.facts.frame.get_column("企业名称").to_list() == [make_name(n) for n in range(5)]
    assert not intake.problems


def test_text_named_xls_and_codes_kept_as_formulas(tmp_path: Path, layouts: list[Layout]) -> None:
    rows = [list(map(str, row)) for row in roster_rows(3)]
    for row in rows[1:]:
        row[0] = f'"=""{row[0]}"""'
    intake = read_text(tmp_path, layouts, "\n".join("\t".join(row) for row in rows), "gbk", "名单.xls")
    assert intake.facts.frame.get_column("统一社会信用代码").to_list() == [make_code(n) for n in range(3)]


def test_text_in_no_known_encoding_or_with_torn_quotes(tmp_path: Path) -> None:
    path = tmp_path / "名单.csv"
    path.write_bytes("统一社会信用代码,企业名称\n".encode() + b"\xff\xff,\x81\n")
    assert "第 2 行有认不出的字符" in refused(path)
    path.write_text('a,b\n1,"torn\n2,3\n', encoding="utf-8")
    assert "引号不成对" in refused(path)
    path.write_bytes(b"a\0b\0,")
    assert "不是文本文件" in refused(path)


def test_a_text_cell_without_end_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "名单.csv"
    path.write_text('a,b\n1,"' + "x" * 3_000_000, encoding="utf-8")
    assert "引号不成对" in refused(path)


def test_a_comma_within_a_figure_moves_no_figure_unnoticed(
    tmp_path: Path, layouts: list[Layout], roster: Callable[..., Path]
) -> None:
    path = tmp_path / "税务.csv"
    lines = [
        f"{make_code(at)},{make_name(at)},{figure}"
        for at, figure in enumerate(["480", "1,234.5", '"1,234.5"'])
    ]
    path.write_text(
        "\n".join(["信用代码,纳税人名称,入库税收", *lines, "注：单位万元,,,另见说明"]), encoding="utf-8"
    )
    intake = read_workbooks([roster(3), path], layouts, 2022)
    assert intake.facts.frame["入库税收"].to_list() == [48000, None, 123450]
    (problem,) = [problem for problem in intake.problems if problem.severity == "error"]
    assert (problem.row, problem.cell, problem.found) == (3, "D3", "234.5")
    assert "格子比表头多" in str(problem.what)
