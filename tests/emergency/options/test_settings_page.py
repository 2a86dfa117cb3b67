"""docs/emergency.md is what the schemas say; its example is a clean document that does what the page tells."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from emergency.options.t1_list import WAN, kilograms
from muheng.emergency.comparison import compare
from muheng.emergency.inventory.model import Firm, Inventory, Line
from muheng.emergency.options import build_problem
from muheng.emergency.plan.solve import solve
from muheng.emergency.settings import read_settings

PAGE = Path(__file__).parents[3] / "docs" / "emergency.md"


def test_the_page_is_made_from_the_schemas(tmp_path: Path) -> None:
    # A process of its own: typing gives equal Literals the order of whichever was imported first.
    made = tmp_path / "emergency.md"
    muheng = Path(sys.executable).parent / "muheng"
    command = [muheng, "reference", "--of", "emergency", "--out", made]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert PAGE.read_text("utf-8") == made.read_text("utf-8"), (
        "run: .venv/bin/muheng reference --of emergency --out docs/emergency.md"
    )


def test_the_example_does_what_the_page_tells() -> None:
    settings, found = read_settings(PAGE.read_text("utf-8").partition("```toml\n")[2].partition("```")[0])
    assert settings is not None
    assert found == []
    firms = tuple(Firm(code, f"示例企业{code}", "甲县") for code in "12")
    lines = tuple(
        Line(f"{code}-1", code, "1号线", daily=kilograms((100, 0, 0, 0)), stop_loss=loss * WAN)
        for code, loss in zip("12", (1, 3), strict=True)
    )
    built = build_problem(Inventory("示例", firms, lines), settings, levels=("orange",))
    plan = solve(built.problem)
    (beside,) = compare(plan, built)
    assert built.needs[0].lines == kilograms((40, 0, 0, 0))
    assert plan.levels[0].loss == WAN // 2
    assert beside.uniform is not None
    assert beside.uniform.loss == 8 * WAN // 10
