"""Background work of the emergency room: lists are read, plans are made, orders written."""

from __future__ import annotations

from typing import Any

from muheng.web.emergency.actions.lists import read_list_file
from muheng.web.emergency.actions.plans import compute_fairness, make_plan
from muheng.web.emergency.models import EmergencyList, Plan
from muheng.web.emergency.queries.plans import FAIRNESS
from muheng.web.emergency.workbook import KIND, keep_workbook
from muheng.web.jobs.actions import Progress, task


@task("emergency.read_list")
def read_list(progress: Progress, inventory: int) -> dict[str, Any]:
    """Read the workbook of a list, unless that was done or the list given up."""
    found = (
        EmergencyList.objects.select_related("organisation", "file", "made_by").filter(pk=inventory).first()
    )
    if found is None or found.state != EmergencyList.State.READING:
        return {"overtaken": True}
    read_list_file(found, progress)
    found.refresh_from_db()
    return {"list": found.pk, "state": found.state}


@task(KIND)
def write(progress: Progress, inventory: int, plan: int | None, lang: str) -> dict[str, Any]:
    """Write a long list as a workbook, in the language of who asked (``lang`` tells one request from another)."""
    found = EmergencyList.objects.get(pk=inventory)
    chosen = Plan.objects.get(pk=plan) if plan is not None else None
    return {"file": keep_workbook(progress.job.owner, found, chosen).pk}


@task("emergency.make_plan")
def make(progress: Progress, plan: int) -> dict[str, Any]:
    """Make a plan, unless that was done already."""
    found = Plan.objects.select_related("inventory__organisation", "made_by").get(pk=plan)
    if found.state != Plan.State.WORKING:
        return {"overtaken": True}
    make_plan(found, progress)
    found.refresh_from_db()
    return {"plan": found.pk, "state": found.state}


@task(FAIRNESS)
def price(progress: Progress, plan: int) -> dict[str, Any]:
    """What fairness would cost beside a plan."""
    compute_fairness(Plan.objects.get(pk=plan), progress)
    return {"plan": plan}
