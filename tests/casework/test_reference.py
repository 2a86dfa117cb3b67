"""docs/cases.md is what the schema and the shipped files say; what it counts is so."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any, get_origin

import pytest
from casebook import CALENDAR, shipped
from pydantic import BaseModel

from muheng.casework.case_type import load_type
from muheng.casework.document import CaseType
from muheng.casework.history import BUILT_INS
from muheng.documents.schema import fields_of, flatten
from muheng.documents.toml_file import read_toml

PAGE = Path(__file__).parents[2] / "docs" / "cases.md"


def models() -> list[type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {}
    waiting: list[Any] = [CaseType]
    while waiting:
        for branch in flatten([waiting.pop()]):
            if isinstance(branch, type) and issubclass(branch, BaseModel):
                if branch.__name__ not in found:
                    found[branch.__name__] = branch
                    waiting += [info.annotation for info in branch.model_fields.values()]
            elif get_origin(branch) is not None:
                waiting += [each for each in branch.__args__ if each is not Ellipsis]
    return [found[name] for name in sorted(found)]


def test_the_page_is_made_from_the_schema(tmp_path: Path) -> None:
    # A process of its own: typing gives equal Literals the order of whichever was imported first.
    made = tmp_path / "cases.md"
    muheng = Path(sys.executable).parent / "muheng"
    command = [muheng, "reference", "--of", "cases", "--out", made]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert PAGE.read_text("utf-8") == made.read_text("utf-8"), (
        "run: .venv/bin/muheng reference --of cases --out docs/cases.md"
    )


@pytest.mark.parametrize("model", models(), ids=lambda model: model.__name__)
def test_every_key_is_described_with_an_example(model: type[BaseModel]) -> None:
    for key, info in fields_of(model).items():
        assert info.description, key
        extra = info.json_schema_extra
        assert isinstance(extra, dict), key
        example = str(extra["example"])
        assert key in example, key
        file, diagnostics = read_toml(example)
        assert file is not None, diagnostics


def test_the_first_type_of_the_page_is_accepted_without_a_word() -> None:
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    assert load_type(found.group(1))[1] == []


def test_the_page_lists_the_shipped_types_and_the_acts_of_every_type() -> None:
    text = PAGE.read_text("utf-8")
    listed = set(re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \| ([A-Z]{2,4}) \|", text, re.MULTILINE))
    assert listed == {(each.id, each.name, each.prefix) for each in shipped().values()}
    part = text[text.index("下面这些动作各类型都有") : text.index("## 四")]
    assert set(re.findall(r"`([a-z_]+)`(?=[^|]*\|)", part)) - {"merged"} == set(BUILT_INS)


def test_what_the_page_counts_is_so() -> None:
    assert CALENDAR.add_working_days(date(2026, 4, 29), 5).due == date(2026, 5, 9)


def test_limits_without_a_source_are_marked_as_examples() -> None:
    for case_type in shipped().values():
        for clock in case_type.clocks:
            assert "示例，以本地规定为准" in clock.basis, (case_type.id, clock.id)
        assert case_type.note is not None
        assert "示例" in case_type.note
