"""A copy has another number and name; every other byte is as it was."""

from __future__ import annotations

import pytest

from muheng.cities.pack import PACKS
from muheng.documents.message import Refusal
from muheng.documents.toml_file import read_toml
from muheng.policy.compile import compile_policy
from muheng.policy.copying import copy_text

SHIPPED = sorted(PACKS.glob("*/policies/*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_copy_differs_in_number_and_name_alone(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    made = copy_text(text, "my-own-2026", "本市办法")
    plan = compile_policy(made).plan
    assert plan is not None
    assert (plan.document.policy.id, plan.document.policy.name) == ("my-own-2026", "本市办法")
    changed = [pair for pair in zip(text.split("\n"), made.split("\n"), strict=True) if pair[0] != pair[1]]
    assert len(changed) == 2


@pytest.mark.parametrize("name", ['带"引号"的', "反斜\\杠", "换\n行", "表情🙂"])
def test_a_name_may_be_anything(name: str) -> None:
    file, _ = read_toml(copy_text('[policy]\nid = "a" # 编号\nname = "b"\n', "c", name))
    assert file is not None
    assert file.data == {"policy": {"id": "c", "name": name}}


def test_inline_and_dotted_keys() -> None:
    assert copy_text("policy = { id = \"a\", name = 'b' }", "c", "d") == 'policy = { id = "c", name = "d" }'
    assert copy_text('policy.id = "a"\npolicy.name = "b"', "c", "d") == 'policy.id = "c"\npolicy.name = "d"'


@pytest.mark.parametrize(
    "text", ["", "[policy", "policy = 3", '[policy]\nid = "a"', '[policy]\nid = """\na"""\nname = "b"']
)
def test_what_cannot_be_replaced_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        copy_text(text, "c", "d")
