from __future__ import annotations

from muheng.casework.case_type import load_types


def test_shipped_types_have_no_errors() -> None:
    types, found = load_types()
    assert [(each.file, each.line, str(each.what)) for each in found] == []
    assert {"demand", "assist", "revisit"} <= set(types)
