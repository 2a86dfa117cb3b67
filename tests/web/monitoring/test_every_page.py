"""Every page of the room, for everybody who has an account: open as their rights say, and wholly in one language."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

import muheng.cities
from web.monitoring.happenings import fill_store, make_event, make_suspicion
from web.monitoring.works import NOW, Works

VIEW, EDIT, PATROL, SEAL, OWN = "monitoring.view", "monitoring.edit", "monitoring.patrol", "monitoring.seal", "own.monitoring"  # fmt: skip
OPEN_TO: dict[tuple[str, ...], str] = {
    (
        VIEW,
    ): "home map map-data point capture capture-workbook devices events events-csv event evidence suspicions"
    " suspicion proofs totals",
    (EDIT,): "point-edit unwatched device-add device-template quarantine totals-year",
    (PATROL,): "patrols patrol-draw patrol-round patrol-candidates patrol",
    (SEAL,): "evidence-download",
    (VIEW, OWN): "point-series point-values proof proof-file",
    (OWN,): "mine own-proof own-point own-event",
}
"""Who may open a page: with one of these rights. What is not here takes forms only."""
KINDS = {"rounds/": "round", "points/": "point", "events/": "event", "evidence/": "evidence", "suspicions/": "suspicion",
         "patrols/": "patrol", "proofs/": "proof"}  # fmt: skip
STRANGE = re.compile(r"\{\{|\{%|undefined|\[object|%\(\w+\)s")
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+")
CASES = Path(muheng.cities.__file__).parent / "common" / "cases"
PEOPLE = ("chief", "leader", "data_clerk")


@pytest.fixture
def addresses(works: Works, settings: Any, tmp_path: Path) -> dict[str, str]:
    """One of everything, and where its pages are: all that the room has, by name."""
    from django.urls import reverse

    from muheng.web.files.actions import store
    from muheng.web.monitoring.actions.evidence import seal
    from muheng.web.monitoring.actions.patrols import draw_round
    from muheng.web.monitoring.actions.proofs import submit_proof
    from muheng.web.monitoring.urls import urlpatterns

    settings.HOME = tmp_path
    fill_store(works, tmp_path / "monitoring")
    event, suspicion = make_event(works), make_suspicion(works, point=works.dry_stack)
    drawn = draw_round(works.officer, "Round 1", 2, [works.officer], at=NOW)
    enterprise = works.dry_stack.enterprise
    proof = submit_proof(
        works.owner, enterprise, NOW.date().replace(day=19), complied=False, statement="A pump failed."
    )
    proof.files.add(store(b"pump 2", "ledger.txt", works.owner))
    known: dict[str, Any] = {
        "round": drawn.pk,
        "point": works.dry_stack.pk,
        "event": event.number,
        "evidence": seal(works.officer, event, "To be kept.").pk,
        "suspicion": suspicion.pk,
        "patrol": drawn.patrols.order_by("pk").first().pk,
        "proof": proof.pk,
    }
    found = {}
    for pattern in urlpatterns:
        route = str(pattern.pattern)
        number = next((known[kind] for part, kind in KINDS.items() if part in route), 1)
        given = {"number": number, "stored": proof.files.get().pk}
        named = {name: given[name] for name in pattern.pattern.converters}
        found[str(pattern.name)] = reverse(f"monitoring:{pattern.name}", kwargs=named)
    return found


def come_in(person: Any, language: str = "zh-hans") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(person)
    client.cookies["django_language"] = language
    return client


def rights_of(name: str) -> tuple[str, ...]:
    """With one of which a page opens; nothing where only forms are taken."""
    return next((rights for rights, names in OPEN_TO.items() if name in names.split()), ())


def test_each_page_is_for_whom_it_is(works: Works, addresses: dict[str, str]) -> None:
    from muheng.web.people.rights import holds

    everybody = [works.officer, works.county_officer, works.owner, works.people.other_owner]
    everybody += [works.people.people[name] for name in PEOPLE]
    opened = 0
    for person in everybody:
        client = come_in(person)
        for name, address in addresses.items():
            rights = rights_of(name)
            answer = client.get(address)
            if not rights:
                assert answer.status_code == 302, (name, person.username)
                continue
            may = any(holds(person, right) for right in rights)
            # What belongs to others is not there: an enterprise's for another one, a round of the city's for a county.
            elsewhere = person in (works.people.other_owner, works.county_officer)
            expected = {200} | ({404} if elsewhere else set()) if may else {403}
            assert answer.status_code in expected, (name, person.username, answer.status_code)
            opened += answer.status_code == 200
    assert opened > 90


def words_on(page: str) -> str:
    """What stands on a page to be read."""
    main = page[page.index("<main") : page.index("</main>")]
    return unescape(re.sub(r"<script.*?</script>|<[^>]*>", " ", main, flags=re.S))


def data_of(works: Works) -> Iterator[str]:
    """What people named, in the language in which they did."""
    from muheng.web.casework.models import Case
    from muheng.web.monitoring.actions.device_list import HEADS
    from muheng.web.people.models import Organisation, User
    from muheng.web.registry.models import Enterprise

    yield from Enterprise.objects.values_list("name", flat=True)
    yield from Enterprise.objects.values_list("industry_group", flat=True)
    yield from (point.name for point in works.points)
    yield from Organisation.objects.values_list("name", flat=True)
    yield from User.objects.values_list("name", flat=True)
    # What the city's files offer to choose from, the heads of a workbook, a file's name, what a round wrote down.
    for file in ("alert", "patrol"):
        yield from _texts_of(tomllib.loads((CASES / f"{file}.toml").read_text(encoding="utf-8")))
    yield from HEADS
    yield "说明.txt"
    yield from (str(case.fields.get("asked", "")) for case in Case.objects.filter(type="patrol"))


def _texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts_of(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts_of(each)


def test_pages_in_english_are_english(works: Works, addresses: dict[str, str]) -> None:
    data = sorted({each for each in data_of(works) if each}, key=len, reverse=True)
    left: dict[str, set[str]] = {}
    for person in (works.officer, works.owner):
        client = come_in(person, "en")
        for name, address in addresses.items():
            answer = client.get(address)
            if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
                continue
            page = answer.content.decode()
            text = words_on(page)
            assert not STRANGE.search(text), (name, STRANGE.search(text))
            for each in data:
                text = text.replace(each, "·")
            for found in CHINESE.findall(text):
                left.setdefault(found, set()).add(name)
    assert not left, "\n".join(f"{found}  {sorted(names)}" for found, names in left.items())


def test_pages_in_chinese_have_headings_and_a_way_on(works: Works, addresses: dict[str, str]) -> None:
    for person in (works.officer, works.owner):
        client = come_in(person)
        for name, address in addresses.items():
            answer = client.get(address)
            if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
                continue
            page = answer.content.decode()
            main = page[page.index("<main") : page.index("</main>")]
            assert not re.search(rf"{STRANGE.pattern}|\bNone\b", words_on(page)), name
            assert main.count("<h1>") == 1, name
            for heading in re.findall(r"<(?:h[1-4]|th)[^>]*>(.*?)</(?:h[1-4]|th)>", main, flags=re.S):
                assert re.sub(r"<[^>]*>", "", heading).strip(), (name, heading)
            assert re.search(r"<a [^>]*href=|<button", main), name
