"""Lines of a TOML document, against documents that hypothesis makes; files as clerks really save them."""

from __future__ import annotations

import random
import time
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muheng.documents.diagnostic import Diagnostic
from muheng.documents.toml_file import MAX_BYTES, KeyPath, TomlFile, read_toml


def read(text: str) -> TomlFile:
    file, diagnostics = read_toml(text, "p.toml")
    assert diagnostics == []
    assert file is not None
    return file


def refuse(source: str | Path) -> Diagnostic:
    file, diagnostics = read_toml(source, "p.toml")
    assert file is None
    assert len(diagnostics) == 1
    assert diagnostics[0].severity == "error"
    assert diagnostics[0].file == "p.toml"
    return diagnostics[0]


class Writer:
    """Writes a tree as TOML in a style chosen by chance, and notes the line of every path."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.text = ""
        self.lines: dict[KeyPath, int] = {}

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def maybe_comment(self) -> None:
        self.text += self.chance.choice(["", "", " # [not] = { a table", '\n# "quote', "\n\n"])

    def key(self, key: str) -> str:
        bare = key and all(c.isalnum() or c in "_-" for c in key)
        if bare and self.chance.random() < 0.8:
            return key
        if "'" not in key and self.chance.random() < 0.5:
            return f"'{key}'"
        return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def document(self, tree: dict[str, Any]) -> str:
        self.table((), tree)
        return self.text

    def table(self, path: KeyPath, tree: dict[str, Any]) -> None:
        below = [key for key, value in tree.items() if self.stands_alone(value)]
        for key, value in tree.items():
            if key not in below:
                self.pair(path, key, value)
        for key in below:
            here = (*path, key)
            names = ".".join(self.key(part) for part in here if isinstance(part, str))
            elements = tree[key] if isinstance(tree[key], list) else [tree[key]]
            for index, element in enumerate(elements):
                repeated = isinstance(tree[key], list)
                self.lines.setdefault(here, self.line)
                if repeated:
                    self.lines[(*here, index)] = self.line
                self.text += f"[[ {names} ]]" if repeated else f"[{names}]"
                self.maybe_comment()
                self.text += "\n"
                self.table((*here, index) if repeated else here, element)

    def stands_alone(self, value: Any) -> bool:
        if isinstance(value, dict):
            return self.chance.random() < 0.6
        return isinstance(value, list) and bool(value) and all(isinstance(element, dict) for element in value)

    def pair(self, path: KeyPath, key: str, value: Any) -> None:
        self.lines[(*path, key)] = self.line
        if isinstance(value, dict) and value and self.chance.random() < 0.5:
            for inner, child in value.items():
                self.lines[(*path, key, inner)] = self.line
                self.text += f"{self.key(key)} . {self.key(inner)} = "
                self.value((*path, key, inner), child)
                self.text += "\n"
            return
        self.text += f"{self.key(key)} = "
        self.value((*path, key), value)
        self.maybe_comment()
        self.text += "\n"

    def value(self, path: KeyPath, value: Any) -> None:
        if isinstance(value, dict):
            self.text += "{ "
            for number, (key, child) in enumerate(value.items()):
                self.text += ", " if number else ""
                self.lines[(*path, key)] = self.line
                self.text += f"{self.key(key)} = "
                self.value((*path, key), child)
            self.text += " }"
        elif isinstance(value, list):
            self.text += "["
            for index, child in enumerate(value):
                if self.chance.random() < 0.5:
                    self.text += self.chance.choice(["\n", " # ] }\n  "])
                self.lines[(*path, index)] = self.line
                self.value((*path, index), child)
                self.text += "," if index < len(value) - 1 or self.chance.random() < 0.5 else ""
            self.text += "]"
        elif isinstance(value, bool):
            self.text += "true" if value else "false"
        elif isinstance(value, int):
            self.text += f"{value:_}"
        else:
            self.text += self.string(value)

    def string(self, value: str) -> str:
        if "'" not in value and "\n" not in value and self.chance.random() < 0.3:
            return f"'{value}'"
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        if "\n" in value or self.chance.random() < 0.3:
            return f'"""\n{escaped}"""'
        return f'"{escaped}"'


KEYS = st.text(st.sampled_from("ab_-9亩均税收.#=[]{}\"'\\ "), min_size=1, max_size=6)
SCALARS = st.one_of(st.booleans(), st.integers(-(10**6), 10**6), st.text("a'\"\\#[]{}=,\n亩，", max_size=8))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
TREES = st.dictionaries(KEYS, VALUES, max_size=6)


def paths(tree: Any, here: KeyPath = ()) -> Iterator[KeyPath]:
    children: list[tuple[str | int, Any]] = []
    if isinstance(tree, dict):
        children = list(tree.items())
    elif isinstance(tree, list):
        children = list(enumerate(tree))
    for key, child in children:
        yield (*here, key)
        yield from paths(child, (*here, key))


@settings(max_examples=300, deadline=None)
@given(TREES, st.randoms(use_true_random=False), st.sampled_from(["\n", "\r\n"]))
def test_every_path_has_its_line(tree: dict[str, Any], chance: random.Random, newline: str) -> None:
    writer = Writer(chance)
    file = read(writer.document(tree).replace("\n", newline))
    assert file.data == tree
    assert {path: file.line_of(path) for path in paths(file.data)} == writer.lines
    assert set(file.lines) <= set(paths(file.data))
    assert {path for path in paths(file.data) if isinstance(path[-1], str)} <= set(file.lines)


@settings(max_examples=200, deadline=None)
@given(TREES, st.randoms(use_true_random=False), st.data())
def test_a_damaged_document_gets_one_clear_word(
    tree: dict[str, Any], chance: random.Random, data: st.DataObject
) -> None:
    text = Writer(chance).document(tree)
    at = data.draw(st.integers(0, len(text)))
    damaged = (
        text[:at]
        + data.draw(st.sampled_from(["", "[", "]", "{", '"', "=", "“", "　", "\n"]))
        + text[at + 1 :]
    )
    file, diagnostics = read_toml(damaged)
    assert (file is None) == bool(diagnostics)
    for diagnostic in diagnostics:
        assert diagnostic.line is not None
        assert 1 <= diagnostic.line <= damaged.count("\n") + 1
        assert "{" not in str(diagnostic.what)


@settings(max_examples=300, deadline=None)
@given(st.text("ab=[]{}\"'\\#.,\n 1_-", max_size=30))
def test_ascii_is_judged_as_tomllib_judges_it(text: str) -> None:
    file, _ = read_toml(text)
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assert file is None
    else:
        assert file is not None
        assert file.data == expected
        assert set(file.lines) <= set(paths(expected))
        assert {path for path in paths(expected) if isinstance(path[-1], str)} <= set(file.lines)


def test_lines_by_hand() -> None:
    file = read(
        "# 标题\n"
        "[policy]\n"
        'name = """\n'
        "[不是表]\n"
        '"""\n'
        "valid = { from = 2023-01-01, until = 2024-01-01 }\n"
        "[class.规上]\n"
        '"a.b" . "c d" = 1\n'
        "open = [ # ]\n"
        '  "一",\n'
        '  "二", "三",\n'
        "]\n"
        "[[class.规上.indicator]]\n"
        'name = "亩均税收"\n'
        "score = { base = [1,\n"
        "  2], cap = 3 }\n"
        "[[class.规上.indicator]]\n"
        "weight = 30\n"
        "[class.规上.indicator.x]\n"
        "y = 1\n"
    )
    expected: dict[KeyPath, int] = {
        ("policy",): 2,
        ("policy", "name"): 3,
        ("policy", "valid", "until"): 6,
        ("class",): 7,
        ("class", "规上", "a.b"): 8,
        ("class", "规上", "a.b", "c d"): 8,
        ("class", "规上", "open", 0): 10,
        ("class", "规上", "open", 2): 11,
        ("class", "规上", "indicator"): 13,
        ("class", "规上", "indicator", 0, "score", "base", 1): 16,
        ("class", "规上", "indicator", 0, "score", "cap"): 16,
        ("class", "规上", "indicator", 1): 17,
        ("class", "规上", "indicator", 1, "x", "y"): 20,
    }
    assert {path: file.line_of(path) for path in expected} == expected
    assert file.line_of(("policy", "valid", "nowhere")) == 6
    assert file.line_of(("nowhere",)) is None
    assert (
        file.describe(("class", "规上", "indicator", 0, "weight")) == "class.规上.indicator[亩均税收].weight"
    )
    assert file.describe(("class", "规上", "indicator", 1, "weight")) == "class.规上.indicator[2].weight"


def test_numbers_keep_their_digits() -> None:
    assert read("base = 24.0970").data == {"base": Decimal("24.0970")}
    assert str(read("base = 24.0970").data["base"]) == "24.0970"


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a = 1\nb = “x”", 2, "全角符号"),
        ("a = 1\n　b = 2", 2, "全角空格"),
        ("税收 ＝ 1", 1, "全角符号 ＝"),
        ("a = [1，2]", 1, "全角符号 ，"),
        ('a = 1\nb = "x\nc = 1', 2, "缺少右引号"),
        ('a = 1\nb = """x\nc = 1', 2, "没有结束"),
        ("a = 1\nb = [1,\n2\n", 2, "没有结束"),
        ("a = { b = 1,\n c = 2 }", 1, "花括号"),
        ("a = [\n1 2]", 2, "逗号"),
        ("[a]\nx = 1\n[a]\n", 3, "第一次在第 1 行"),
        ("a = 1\n\na = 2", 3, "第一次在第 1 行"),
        ("R&D占比 = 1", 1, "等号"),
        ('a = "D:\\数据"', 1, "反斜杠"),
        ("a = 2026-02-30", 1, "日期"),
        ("a = yes", 1, "读不懂"),
        ("a = 1 元", 1, "别的内容"),
        ("[a", 1, "方括号"),
        ("a = 1e999999999", 1, "超出"),
        ("a = 1\nb = 1e99999999999999999999\nc = 1", 2, "太大"),
        ("a = nan", 1, "不是一个确定的数"),
        ("a = 0x" + "f" * 40, 1, "整数太大"),
        ("a = 1\nb = " + "9" * 5000 + "\nc = 1", 2, "整数太大"),
        ("a." * 100 + "b = 1", 1, "嵌套"),
        ("a = " + "[" * 10_000, 1, "嵌套"),
        ("a = " + "{b=" * 10_000, 1, "嵌套"),
    ],
)
def test_a_slip_is_named(text: str, line: int, word: str) -> None:
    diagnostic = refuse(text)
    assert diagnostic.line == line
    assert word in str(diagnostic.what)


def test_tabs_and_bom_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes("\ufeff[a]\r\n\t税收\t=\t1\t# x\r\n".encode())
    file, diagnostics = read_toml(path)
    assert diagnostics == []
    assert file is not None
    assert file.data == {"a": {"税收": 1}}
    assert file.lines == {("a",): 1, ("a", "税收"): 2}


def test_a_gbk_file_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes('[a]\nid = "x"\nname = "黄岩区"\n'.encode("gbk"))
    diagnostic = refuse(path)
    assert diagnostic.line == 3
    assert "GBK" in str(diagnostic.what)
    assert "UTF-8" in str(diagnostic.fix)


@pytest.mark.parametrize(
    ("raw", "line", "word"),
    [
        ("a = 1\n".encode("utf-16"), 1, "UTF-16"),
        (b"a = 1\nb = '\xff\xff'", 2, "UTF-8"),
        (b"a = 1\n\x00\n", 2, "TOML"),
        (b"a" * (MAX_BYTES + 5), None, "MB"),
        (("亩" * (MAX_BYTES // 3 + 5)).encode(), None, "MB"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, raw: bytes, line: int | None, word: str) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(raw)
    diagnostic = refuse(path)
    assert diagnostic.line == line
    assert word in str(diagnostic.what)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "找不到" in str(refuse(tmp_path / "nowhere.toml").what)
    assert "打不开" in str(refuse(tmp_path).what)


def test_five_megabytes_in_bounded_time() -> None:
    block = '[[企业.项]]\nname = "甲{n}"\nv = [1, 2, {{ a = 1 }}]  # {{\n'
    text = "".join(block.format(n=n) for n in range(85_000))
    assert len(text.encode()) > 4_900_000
    started = time.process_time()
    file = read(text)
    assert time.process_time() - started < 40
    assert file.line_of(("企业", "项", 84_999, "v", 2, "a")) == 85_000 * 3
