"""The heavy deeds as a clerk and a leader do them in the browser: a workbook handed in and accepted, a trial, a
signature; how long, how it was seen to advance, and how much memory it took.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from bench.site.city import CLERK, LEADER, PASSWORD, SEED, YEAR
from bench.site.load import Person, WrongAnswer
from bench.site.processes import Peaks, peaks
from bench.site.row import Row
from bench.site.stage import Served, Stage, serving_site
from muheng.cities.demo import make_large, write_upload
from muheng.cities.pack import load_pack

EVALUATION = "/evaluations/2/"
LOOK = 0.7  # seconds between two looks at a job's progress, as the page has it
PATIENCE = 600.0
_JOB = re.compile(r'id="job-(\d+)"')
_NOTE = re.compile(r'<p class="quiet" aria-live="polite">([^<]*)</p>')
_PERCENT = re.compile(r'<progress max="100" value="(\d+)"')
_OPTION = re.compile(r'<option value="(\d+)"[^>]*selected')
T = TypeVar("T")


@dataclass(frozen=True)
class Watched:
    """A job as it was seen to advance: seconds in all, and at each note that it showed; percentages in order."""

    seconds: float
    phases: dict[str, float]
    percents: tuple[int, ...]

    def __str__(self) -> str:
        seen = len(set(self.percents))
        parts = ", ".join(f"{note} {seconds:.1f} s" for note, seconds in self.phases.items())
        return f"{parts}; {seen} states of progress seen"


def measure_deeds(on: Stage, count: int) -> Iterator[Row]:
    """One after another on the same city. Who signs is not who computed."""
    workbook = on.home.parent / "宽表.xlsx"
    pack, _ = load_pack("maanshan")
    assert pack is not None
    write_upload(make_large(pack, SEED, count, YEAR), workbook)
    with serving_site(on) as served:
        clerk = Person(served.address).log_in(CLERK, PASSWORD)
        yield from _upload(on, served, clerk, workbook)
        yield _trial(on, served, clerk)
    on.run("bench.site.city", "finish")
    with serving_site(on) as served:
        yield _sign(on, served)


def _upload(on: Stage, served: Served, clerk: Person, workbook: Path) -> Iterator[Row]:
    _forget(served)
    seconds, place = _timed(lambda: _send(clerk, workbook))
    size = workbook.stat().st_size / 1e6
    yield Row("upload: sent", on.database, seconds, note=f"{size:.0f} MB; {_said(served)}")
    _forget(served)
    watched = _watch(clerk, place)
    yield Row(
        "upload: read, checked, compared", on.database, watched.seconds, note=f"{watched}; {_said(served)}"
    )
    page = clerk.get(place)
    asked = {name: _value(page, name) for name in ("reading", "withheld")}
    _forget(served)
    clerk.post(place, f"{place}accept/", [(name, value) for name, value in asked.items() if value])
    watched = _watch(clerk, place)
    if "已接受" not in clerk.get(place):
        raise WrongAnswer(f"{place}: not accepted")
    yield Row("upload: accepted", on.database, watched.seconds, note=f"{watched}; {_said(served)}")


def _send(clerk: Person, workbook: Path) -> str:
    """The form of the drop, as a browser sends it; gives the batch's address."""
    boundary = "muheng-bench"
    fields = [("csrfmiddlewaretoken", clerk.token("/intake/new/")), ("year", str(YEAR)), ("title", "")]
    head = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    )
    head += f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="wide.xlsx"\r\n'
    head += "Content-Type: application/vnd.openxmlformats-officedocument.spreadsheetml.sheet\r\n\r\n"
    body = head.encode() + workbook.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    place = clerk.send("/intake/new/", body, f"multipart/form-data; boundary={boundary}")
    if not place.startswith("/intake/"):
        raise WrongAnswer(place[:2000])
    return place


def _trial(on: Stage, served: Served, clerk: Person) -> Row:
    place = f"{EVALUATION}trials/"
    chosen = _OPTION.search(clerk.get(place))
    assert chosen is not None
    _forget(served)
    clerk.post(
        place,
        place,
        [("deed", "try"), ("title", ""), ("policy", chosen[1]), ("basis", "current"), ("reason", "")],
    )
    watched = _watch(clerk, place)
    return Row("trial run", on.database, watched.seconds, note=f"{watched}; {_said(served)}")


def _sign(on: Stage, served: Served) -> Row:
    leader = Person(served.address).log_in(LEADER, PASSWORD)
    place = f"{EVALUATION}final/"
    run = _value(leader.get(place), "run")
    _forget(served)
    seconds, _ = _timed(lambda: leader.post(place, place, [("deed", "sign"), ("run", run)]))
    if "已签发" not in leader.get(place):
        raise WrongAnswer(f"{place}: not signed")
    return Row("signature: everyone's grade given", on.database, seconds, note=_said(served))


def _watch(person: Person, place: str) -> Watched:
    """Look at the job that a page shows, as the page itself does, until it has ended."""
    start = last = time.perf_counter()
    found = _JOB.search(person.get(place))
    phases: dict[str, float] = {}
    percents: list[int] = []
    note = "waiting"
    while found is not None:
        strip = person.get(f"/jobs/{found[1]}/?watched=1", **{"HX-Request": "true"})
        now = time.perf_counter()
        phases[note] = phases.get(note, 0) + now - last
        last = now
        if "hx-trigger" not in strip:
            if 'class="wrong"' in strip:
                raise WrongAnswer(strip)
            break
        said = _NOTE.search(strip)
        note = re.sub(r"[\s\d,/%.]+$", "", html.unescape(said[1])) or note if said else note
        percents += [int(percent) for percent in _PERCENT.findall(strip)]
        if now - start > PATIENCE:
            raise WrongAnswer(f"{place}: no end")
        time.sleep(LOOK)
    return Watched(time.perf_counter() - start, phases, tuple(percents))


def _value(page: str, name: str) -> str:
    """Of a form's field."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    return found[1] if found else ""


def _timed(act: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    found = act()
    return time.perf_counter() - start, found


def _forget(served: Served) -> None:
    for process in served.processes:
        process.forget()


def _said(served: Served) -> str:
    found: Peaks = peaks(served.processes)
    return f"worker {found.worker:.0f} MB, web {found.web:.0f} MB"
