"""The draw of patrols: the same for everybody who has the seed and the list, and as likely as the weights say."""

from __future__ import annotations

import subprocess
from datetime import date, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from muheng.monitoring.judgement.rules import COMMON
from muheng.monitoring.patrolling import Candidate, draw, is_patrolling, load_patrolling, read_patrolling

CANDIDATES = [Candidate(str(number), number % 4 + 1) for number in range(1, 30)]


@given(st.permutations(CANDIDATES), st.integers(0, 40), st.text(max_size=12))
def test_the_order_of_the_list_does_not_matter(candidates: list[Candidate], count: int, seed: str) -> None:
    found = draw(candidates, count, seed)
    assert found == draw(CANDIDATES, count, seed)
    assert len(set(found)) == len(found) == min(count, len(CANDIDATES))
    assert draw(candidates, 40, seed)[:count] == found  # more draws only add


def test_coreutils_draw_the_same() -> None:
    lines = [f"seed:{each.point}:{ticket}" for each in CANDIDATES for ticket in range(1, each.weight + 1)]
    script = 'while read line; do echo "$(printf %s "$line" | sha256sum | cut -c1-64) $line"; done'
    made = subprocess.run(
        ["sh", "-c", script], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True
    )
    order = [line.split(":")[1] for line in sorted(made.stdout.splitlines())]
    assert list(dict.fromkeys(order))[:7] == draw(CANDIDATES, 7, "seed")


def test_the_chance_is_as_the_weight() -> None:
    pair = [Candidate("often", 3), Candidate("seldom", 1)]
    firsts = sum(draw(pair, 1, str(number)) == ["often"] for number in range(2000))
    assert 1400 < firsts < 1600  # 1500, of seeds that are what they are
    assert draw([Candidate("never", 0)], 3, "x") == []


def test_the_file(tmp_path: Path) -> None:
    rules, found = load_patrolling()
    assert rules is not None, found
    assert rules.proof.due(date(2026, 11, 22)) == datetime(2026, 11, 23, 10)
    assert rules.patrol.weight.of(0, 0, 0) == 1
    assert rules.patrol.weight.of(100, 0, 0) == rules.patrol.weight.most
    text = (COMMON / "patrols.toml").read_text("utf-8")
    own = tmp_path / "monitoring" / "patrols.toml"
    own.parent.mkdir()
    own.write_text(text.replace("points = 10", "points = 25"), "utf-8")
    mine, _none = load_patrolling(tmp_path)
    assert mine is not None
    assert mine.patrol.points == 25
    own.write_text(text.replace("points = 10", "points = 0"), "utf-8")
    nothing, mistakes = read_patrolling(own)
    assert nothing is None
    assert [each.line for each in mistakes] == [
        next(n for n, line in enumerate(text.splitlines(), 1) if line.startswith("points"))
    ]
    assert is_patrolling({"patrol": {}})
    assert not is_patrolling({"method": []})
