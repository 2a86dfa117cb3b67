"""docs/matching.md is what the schema says; its example is a clean document that does what the page tells."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

from muheng.matching.money import WAN
from muheng.matching.ranking import assess
from muheng.matching.rules import load_document
from muheng.matching.terms import EnterpriseFacts, Need, Offer

PAGE = Path(__file__).parents[2] / "docs" / "matching.md"


def test_the_page_is_made_from_the_schema(tmp_path: Path) -> None:
    # A process of its own: typing gives equal Literals the order of whichever was imported first.
    made = tmp_path / "matching.md"
    muheng = Path(sys.executable).parent / "muheng"
    command = [muheng, "reference", "--of", "matching", "--out", made]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert PAGE.read_text("utf-8") == made.read_text("utf-8"), (
        "run: .venv/bin/muheng reference --of matching --out docs/matching.md"
    )


def test_the_example_does_what_the_page_tells() -> None:
    page = PAGE.read_text("utf-8")
    rules, found = load_document(page.partition("```toml\n")[2].partition("```")[0])
    assert rules is not None
    assert found == []
    need = Need("n", "finance", 3200 * WAN)
    told = assess(need, Offer("o", "finance"), rules, EnterpriseFacts(date(2026, 1, 1), grade="A"))
    assert [str(each.what).rstrip("。") for each in told.against] == [
        "需要 3,200 万元，最多 3,000 万元，多出 200 万元"
    ]
    assert str(told.against[0].what).rstrip("。") in page
