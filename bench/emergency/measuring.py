"""Plans of synthetic cities: how long, how near the proven bound, how much memory; beside HiGHS alone on the same city.

Each measurement is a process of its own, so that its peak memory is its own; time begins when the problem stands in
memory, except where a folder is read. Every plan passes the independent check, outside the time.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

from bench.emergency.city import make_city

SEEDS = (1, 2, 3)
NESTED = ("yellow", "orange", "red")
HEAD = (
    "| plan | seeds | ours, median | slowest | widest proven gap | target | peak "
    "| HiGHS alone, median | its gap | times ours |\n|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Job:
    """``kind``: plain, tied (county shares and caps of enterprises) or folder (through the command line)."""

    lines: int
    levels: tuple[str, ...]
    gap: float
    seconds: float
    """What it should take at most."""
    kind: str = "plain"
    seeds: tuple[int, ...] = SEEDS
    peer_limit: float = 0.0
    """How long HiGHS may try; 0: it does not."""
    peer_seeds: int = 3
    memory: float | None = None
    """MB that the process may take."""

    @property
    def name(self) -> str:
        about = {
            "plain": "",
            "tied": ", county shares, caps of enterprises",
            "folder": ", from folder to plan.csv",
        }[self.kind]
        together = " nested" if len(self.levels) > 1 else ""
        return f"{self.lines:,} lines, {'+'.join(self.levels)}{together}{about}"


JOBS = (
    *(Job(1_000, (level,), 1e-3, 2, peer_limit=15) for level in NESTED),
    Job(10_000, ("yellow",), 2e-4, 2),
    Job(10_000, ("orange",), 2e-4, 2, peer_limit=60),
    Job(10_000, ("red",), 2e-4, 2),
    Job(10_000, NESTED, 1e-3, 10),
    Job(10_000, ("orange",), 5e-3, 30, kind="tied"),
    Job(100_000, ("orange",), 2e-4, 5, peer_limit=90, peer_seeds=1),
    Job(1_000_000, ("orange",), 1e-4, 40, seeds=(1,), memory=2000),
    Job(1_000_000, ("orange",), 1e-4, 60, kind="folder", seeds=(1,), memory=2000),
)


@dataclass(frozen=True)
class Measured:
    seconds: float
    gap: float | None
    peak_mb: float


@dataclass(frozen=True)
class Row:
    """One job over its seeds."""

    job: Job
    ours: tuple[Measured, ...]
    peer: tuple[Measured, ...]

    def __str__(self) -> str:
        """A row of a Markdown table."""
        job = self.job
        seconds = [each.seconds for each in self.ours]
        gap, peak = max(each.gap or 0.0 for each in self.ours), max(each.peak_mb for each in self.ours)
        met = gap <= job.gap and max(seconds) <= job.seconds and (job.memory is None or peak <= job.memory)
        room = "" if job.memory is None else f", {job.memory:,.0f} MB"
        target = f"{_percent(job.gap)}, {job.seconds:g} s{room}: {'met' if met else 'missed'}"
        cells = [
            job.name,
            str(len(self.ours)),
            f"{median(seconds):.2f} s",
            f"{max(seconds):.2f} s",
            _percent(gap),
            target,
            f"{peak:,.0f} MB",
            *self._beside(median(seconds)),
        ]
        return f"| {' | '.join(cells)} |"

    def _beside(self, ours: float) -> tuple[str, str, str]:
        if not self.peer:
            return "", "", ""
        theirs = median(each.seconds for each in self.peer)
        gaps = [each.gap for each in self.peer]
        stopped = theirs >= self.job.peer_limit
        widest = "no plan" if None in gaps else _percent(max(gap for gap in gaps if gap is not None))
        return f"{theirs:.1f} s", widest, f"{'> ' if stopped else ''}{theirs / ours:.1f}"


def _percent(part: float) -> str:
    return f"{part * 100:.3g} %"


def run(jobs: tuple[Job, ...] = JOBS) -> Iterator[Row]:
    """Rows come as they are measured."""
    for job in jobs:
        ours = tuple(_measure(job, seed, "ours") for seed in job.seeds)
        peers = job.seeds[: job.peer_seeds] if job.peer_limit else ()
        yield Row(job, ours, tuple(_measure(job, seed, "peer") for seed in peers))


def _measure(job: Job, seed: int, who: str) -> Measured:
    about = {
        "lines": job.lines, "levels": job.levels, "gap": job.gap, "seed": seed, "kind": job.kind, "who": who,
        "limit": job.peer_limit,
    }  # fmt: skip
    command = [sys.executable, "-m", "bench.emergency.measuring", json.dumps(about)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{job.name}, seed {seed}, {who}:\n{done.stderr}")
    return Measured(*json.loads(done.stdout.splitlines()[-1]))


# -- in the process that is measured ---------------------------------------------------------------------------------


def measure(
    lines: int, levels: list[str], gap: float, seed: int, kind: str, who: str, limit: float
) -> tuple[float, float | None, float]:
    """Seconds, proven gap, peak memory in MB."""
    if kind == "folder":
        return _measure_folder(lines, seed, tuple(levels), gap)
    problem = make_city(lines, seed, levels=tuple(levels))
    if kind == "tied":
        problem = _tie(problem)
    if who == "peer":
        from bench.emergency.peer import solve_by_highs

        found = solve_by_highs(problem, gap, limit)
        return found.seconds, found.gap, _peak(resource.RUSAGE_SELF)
    from muheng.emergency.plan.solve import solve
    from muheng.emergency.plan.verify import verify

    begun = time.perf_counter()
    plan = solve(problem, Fraction(gap).limit_denominator(10**6))
    seconds = time.perf_counter() - begun
    peak = _peak(resource.RUSAGE_SELF)
    breaches = verify(plan)
    assert not breaches, breaches
    return seconds, plan.joint.gap if plan.joint is not None else plan.levels[0].gap, peak


def _tie(problem: Any) -> Any:
    """Each county cuts at least half of its part of what is asked, no enterprise loses more than half its output."""
    import numpy as np

    strongest = np.maximum.reduceat(problem.reduction, problem.start[:-1], axis=0)
    reach = np.zeros((len(problem.counties.names), 4))
    np.add.at(reach, problem.counties.codes, strongest)
    part = reach / reach.sum(0)
    return replace(
        problem,
        county_need=np.floor(problem.need[:, None, :] * part / 2).astype(np.int64),
        firm_cap=problem.output // 2,
    )


def _measure_folder(
    lines: int, seed: int, levels: tuple[str, ...], gap: float
) -> tuple[float, float | None, float]:
    """``muheng plan`` in a process of its own, with starting Python, reading and writing."""
    with tempfile.TemporaryDirectory() as place:
        source, out = Path(place) / "city", Path(place) / "plan"
        program = (
            "import sys; from pathlib import Path; from bench.emergency.city import make_city; "
            "from muheng.emergency.plan.folder import write_folder; "
            "write_folder(make_city(int(sys.argv[1]), int(sys.argv[2])), Path(sys.argv[3]))"
        )
        subprocess.run([sys.executable, "-c", program, str(lines), str(seed), str(source)], check=True)
        measured = (
            "import resource, subprocess, sys; "
            "done = subprocess.run(sys.argv[1:], check=True, stdout=subprocess.PIPE); "
            "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
        )
        verb = [sys.executable, "-m", "muheng.cli.main", "plan", str(source), "--levels", ",".join(levels)]
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", measured, *verb, "--out", str(out), "--gap", str(gap), "--quiet"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
        figures = json.loads((out / "summary.json").read_text(encoding="utf-8"))
        held = figures["joint"]["gap"] if "joint" in figures else figures[levels[0]]["gap"]
        return seconds, held, float(done.stdout)


def _peak(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(measure(**json.loads(sys.argv[1]))))
