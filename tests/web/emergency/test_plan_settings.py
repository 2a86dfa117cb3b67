"""Keys of a settings text changed in place; days of past alerts as rotation and savings count them."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.emergency.settings import COMMON
from muheng.web.emergency.settings_text import change_settings

TEXT = """# 标题
name = "设置"

[ratio]
sources_counted = [  # 哪些源
  "扬尘源",
  "移动源",
]
base = "all_society"  # 基数
yellow = { so2 = 10,
  nox = 10 }

[[measure]]
base = "另一个"

[fairness]
rotation = 0
firm_cap = 60
"""


def test_only_the_key_is_changed() -> None:
    changed = change_settings(
        TEXT,
        {
            ("ratio", "sources_counted"): '["其他源"]',
            ("ratio", "base"): '"industry"',
            ("ratio", "yellow"): "{ so2 = 12 }",
            ("fairness", "firm_cap"): None,
            ("fairness", "band"): "2.5",
            ("weights", "red"): "3",
        },
    )
    read = tomllib.loads(changed)
    assert read["ratio"] == {"sources_counted": ["其他源"], "base": "industry", "yellow": {"so2": 12}}
    assert read["measure"] == [{"base": "另一个"}]
    assert read["fairness"] == {"rotation": 0, "band": 2.5}
    assert read["weights"] == {"red": 3}
    assert "# 基数" in changed
    assert "# 标题" in changed


@given(
    st.dictionaries(
        st.sampled_from(
            [("ratio", "pooling"), ("execution", "norms"), ("fairness", "grade_order"), ("fairness", "band")]
        ),
        st.sampled_from(["true", "false", None]),
    )
)
def test_what_is_written_is_what_is_read(changes: dict[tuple[str, str], str | None]) -> None:
    text = COMMON.read_text(encoding="utf-8")
    before, after = tomllib.loads(text), tomllib.loads(change_settings(text, changes))
    for (table, key), value in changes.items():
        before[table].pop(key, None)
        if value is not None:
            before[table][key] = value == "true"
    assert after == before


@pytest.mark.django_db
def test_days_at_each_level_follow_the_steps(town: Any) -> None:
    from muheng.web.emergency.models import Alert, AlertStep
    from muheng.web.emergency.seasons import burdens_before, days_of, last_season_days

    begin = datetime(2026, 11, 1, tzinfo=town.plan.made_at.tzinfo)
    end = begin + timedelta(days=4, hours=6)
    alert = Alert.objects.create(
        organisation=town.people.root,
        title="一次过程",
        level="yellow",
        state=Alert.State.LIFTED,
        rules="CN-2024",
        plan=town.plan,
        starts_at=begin,
        ends_at=end,
        reason="",
        proposed_at=begin,
        lifted_at=end,
    )
    for kind, level, hours in (
        ("issued", "yellow", 0),
        ("raised", "orange", 24),
        ("lowered", "yellow", 72),
        ("lifted", "yellow", 102),
    ):
        at = begin + timedelta(hours=hours)
        AlertStep.objects.create(alert=alert, kind=kind, level=level, at=at, done_at=at)
    assert days_of(alert, end) == {"yellow": 2, "orange": 2}
    assert last_season_days(town.people.root, end + timedelta(days=1)) == {"yellow": 2, "orange": 2}
    burdens = burdens_before(town.people.root, end + timedelta(days=1))
    first = town.people.enterprises[5].code
    assert burdens[f"{first}-1"].loss == 2 * 300_000 + 2 * 500_000
    assert f"{first}-2" not in burdens
    assert burdens_before(town.people.root, begin) == {}
