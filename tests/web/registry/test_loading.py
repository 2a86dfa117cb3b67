"""The demo city goes in whole, and once."""

from __future__ import annotations

import pytest

from muheng.cities.demo import make_registry
from muheng.cities.pack import find_pack, load_pack
from muheng.web.people.actions import found_city
from muheng.web.registry.loading import load_monthly, load_registry
from muheng.web.registry.models import (
    Enterprise,
    Holding,
    Meter,
    MonthlyFigure,
    NameRecord,
    Parcel,
    SearchEntry,
)

pytestmark = pytest.mark.django_db


def test_the_demo_city_is_loaded_once() -> None:
    pack = load_pack(find_pack("maanshan"))[0]
    assert pack is not None
    found_city(pack.city)
    registry = make_registry(pack, 7, 2025)

    assert load_registry(registry) == len(registry.locations) == Enterprise.objects.count()
    assert load_monthly(registry) == MonthlyFigure.objects.count() > 0
    assert load_registry(registry) == load_monthly(registry) == 0

    assert Parcel.objects.count() == len(registry.parcels)
    assert Holding.objects.count() == sum(parcel.code is not None for parcel in registry.parcels)
    assert NameRecord.objects.count() == len(registry.locations) + len(registry.former_names)
    assert SearchEntry.objects.count() == Enterprise.objects.count()
    assert not Enterprise.objects.filter(county=None).exists()
    assert not Enterprise.objects.filter(township=None).exists()
    assert not Parcel.objects.filter(township=None).exists()
    # A shared meter stands at each of its users, and their parts are the whole.
    shared = Meter.objects.filter(shared=True).order_by("number")
    assert shared
    assert sum(meter.share or 0 for meter in shared.filter(number=shared[0].number)) == 100
