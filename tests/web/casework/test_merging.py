"""Merging when something has come out of the case that goes."""

from __future__ import annotations

import pytest

from muheng.web.casework.actions import NewChild, act, merge
from muheng.web.casework.models import Case
from muheng.web.refusal import Refused
from web.casework.offices import make_offices, raise_demand

pytestmark = pytest.mark.django_db


def test_a_case_with_open_children_does_not_go_before_they_end() -> None:
    offices = make_offices()
    busy, idle = raise_demand(offices), raise_demand(offices)
    act(offices.desk, busy, "accept")
    act(offices.desk, busy, "dispatch", organisation=offices.land, handler=offices.handler)
    act(offices.handler, busy, "joint", children=[NewChild("assist", "请会同")])
    with pytest.raises(Refused, match="1 件没有办结"):
        merge(offices.desk, busy, idle)
    assert set(Case.objects.filter(type="demand").values_list("phase", flat=True)) == {"open"}
    child = Case.objects.get(type="assist")
    act(offices.handler, child, "finish", note="办好了")
    assert merge(offices.desk, Case.objects.get(pk=busy.pk), idle).pk == idle.pk
