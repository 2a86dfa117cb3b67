"""Two who decide at the same moment: each deed whole, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from muheng.web.audit.actions import find_break
from muheng.web.intake.actions import accept, undo
from muheng.web.intake.models import Batch
from muheng.web.refusal import Refused
from muheng.web.registry import panels
from muheng.web.registry.models import Layer, Panel
from web.population import make_city

from .conftest import Read
from .workbooks import tax, taxes


def together(*deeds: Callable[[], object]) -> list[object]:
    start = Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> object:
        try:
            start.wait(10)
            return deed()
        except Refused as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [done.result() for done in [pool.submit(run, deed) for deed in deeds]]


@pytest.mark.django_db(transaction=True)
def test_two_batches_accepted_at_once_are_both_there(read: Read) -> None:
    city = make_city()
    one, two = city.enterprises[:2]
    batches = [
        read(city.clerk, tax(taxes([one], [1]), "一.xlsx")),
        read(city.chief, tax(taxes([two], [2]), "二.xlsx")),
    ]
    people = (city.clerk, city.chief)
    together(
        *(
            lambda batch=batch, who=who: accept(who, batch, reading=1)
            for batch, who in zip(batches, people, strict=True)
        )
    )
    facts = panels.current(2025)
    assert facts is not None
    assert sorted(facts.frame["入库税收"].to_list()) == [100, 200]
    assert find_break() is None
    # In whichever order they went, laying the live layers anew gives the panel that is kept.
    kept = Panel.objects.get(pk=2025).folder
    panels.rebuild(2025)
    assert Panel.objects.get(pk=2025).folder == kept
    together(*(lambda batch=batch: undo(city.clerk, batch, "错") for batch in batches))
    assert panels.current(2025) is None


@pytest.mark.django_db(transaction=True)
def test_one_batch_is_accepted_once(read: Read) -> None:
    city = make_city()
    batch = read(city.clerk, tax(taxes(city.enterprises[:1], [1])))
    done = together(*(lambda who=who: accept(who, batch, reading=1) for who in (city.clerk, city.chief)))
    assert sorted(type(each).__name__ for each in done) == ["Batch", "Refused"]
    assert Layer.objects.count() == 1
    batch.refresh_from_db()
    assert batch.state == Batch.State.ACCEPTED
