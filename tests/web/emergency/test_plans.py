"""Plans: the worked instance on the site, its infeasible twin, why, four eyes, what a county and an enterprise see."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from muheng.emergency.inventory.model import Filed
from web.emergency.worked_list import (
    OPTIMUM,
    Bureau,
    line_of,
    make_bureau,
    take,
    work_out,
    worked_inventory,
    worked_settings,
)

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture
def bureau() -> Bureau:
    return make_bureau()


@pytest.fixture
def enter() -> Callable[[Any], Client]:
    from django.test import Client

    def log_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in


def test_the_worked_instance_on_the_site(bureau: Bureau) -> None:
    plan = work_out(bureau, take(bureau))
    assert plan.state == "proposed", plan.trouble
    levels = plan.figures["levels"]
    # Nested levels may cost more than each by itself, never less; orange is planned first.
    assert levels["orange"]["loss"] >= OPTIMUM["orange"]
    assert all(levels[level]["bound"] <= OPTIMUM[level] <= levels[level]["loss"] for level in OPTIMUM)
    assert all(levels[level]["feasible"] for level in OPTIMUM)
    assert levels["red"]["uniform"]["loss"] > levels["red"]["loss"]


def test_what_cannot_be_reached_says_whose_exemption_would_close_it(
    bureau: Bureau, enter: Callable[[Any], Client]
) -> None:
    plan = work_out(bureau, take(bureau, worked_inventory(bureau.people, twin=True)))
    assert plan.state == "proposed", plan.trouble
    assert not plan.figures["feasible"]
    so2 = plan.figures["reach"]["orange"]["limits"][0]
    assert so2["short"] > 0
    assert Fraction(so2["reachable"]) < Fraction(so2["asked"])
    page = enter(bureau.keeper).get(f"/emergency/plans/{plan.pk}/").content.decode()
    closer = plan.figures["reach"]["orange"]["closers"][0]
    assert closer["name"] in page


def test_what_cannot_be_planned_says_why(bureau: Bureau) -> None:
    from dataclasses import replace

    plain = worked_inventory(bureau.people)
    unknown = replace(plain.firms[1], guarantee="没有这一类")
    listing = take(bureau, replace(plain, firms=(plain.firms[0], unknown, *plain.firms[2:])))
    plan = work_out(bureau, listing)
    assert plan.state == "failed"
    assert any("没有这一类" in each["zh"] for each in plan.trouble)


def test_rules_that_contradict_each_other_are_named(bureau: Bureau) -> None:
    """A better cement works has filed a stop, a worse one cannot do anything; better grades give up no more."""
    from dataclasses import replace

    plain = worked_inventory(bureau.people)
    better, worse = line_of(bureau.people, 2), line_of(bureau.people, 3)
    firms = tuple(replace(firm, grade="C") if worse.startswith(firm.code) else firm for firm in plain.firms)
    lines = tuple(
        replace(line, continuous=True, least_load=1000) if line.id == worse else line for line in plain.lines
    )
    filed = (Filed(better, "orange", "停产", "停产", 1000), Filed(better, "red", "停产", "停产", 1000))
    listing = take(bureau, replace(plain, firms=firms, lines=lines, filed=filed))
    plan = work_out(bureau, listing, filed='"bind"', grade_order="true")
    assert plan.state == "failed"
    assert plan.trouble


def test_settings_with_mistakes_are_refused_with_line_and_mend(
    bureau: Bureau, enter: Callable[[Any], Client]
) -> None:
    from muheng.web.emergency.models import Plan

    listing = take(bureau)
    text = worked_settings().replace("pooling         = false", "pooling = 3")
    answer = enter(bureau.keeper).post(
        f"/emergency/lists/{listing.pk}/plans/new/", {"by": "text", "text": text, "gap": "1/1000"}
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "行：" in page
    assert "pooling = 3" in page
    assert not Plan.objects.exists()


def test_the_form_changes_the_text_and_keeps_its_comments(
    bureau: Bureau, enter: Callable[[Any], Client]
) -> None:
    from muheng.emergency.settings import read_settings
    from muheng.web.emergency.forms import settings_fields
    from muheng.web.emergency.models import Plan

    listing = take(bureau)
    text = worked_settings() + "# 末尾的说明\n"
    settings, _found = read_settings(text)
    assert settings is not None
    fields = settings_fields(settings)
    given = {
        "by": "form",
        "text": text,
        "gap": "1/1000",
        **{name: value for row in fields["ratios"] for name, _key, value in row["fields"]},
        **{each.name: each.value for part in ("rules", "fairness") for each in fields[part] if each.value},
        **{name: value for part in ("notice", "weights") for name, _title, value in fields[part]},
    }
    client = enter(bureau.keeper)
    given |= {"yellow_so2": "12.5", "firm_cap": "60", "pooling": "1"}
    assert client.post(f"/emergency/lists/{listing.pk}/plans/new/", given).status_code == 302
    kept = Plan.objects.get().settings
    changed, found = read_settings(kept)
    assert changed is not None, found
    assert changed.ratios("yellow")[0] == Fraction(1, 8)
    assert changed.fairness.firm_cap == 60
    assert changed.ratio.pooling
    assert "# 末尾的说明" in kept
    wrong = client.post(f"/emergency/lists/{listing.pk}/plans/new/", given | {"red_pm": "三成"})
    assert wrong.status_code == 422
    assert "三成" in wrong.content.decode()
    assert Plan.objects.count() == 1


def test_four_eyes(bureau: Bureau) -> None:
    from muheng.web.emergency.actions.plans import adopt_plan, ask_plan
    from muheng.web.emergency.models import Measure
    from muheng.web.jobs.actions import run_pending
    from muheng.web.refusal import Refused

    listing = take(bureau)
    own = ask_plan(bureau.adopter, listing, worked_settings())
    run_pending()
    with pytest.raises(Refused) as refused:
        adopt_plan(bureau.adopter, own)
    assert refused.value.status == 403
    plan = work_out(bureau, listing)
    with pytest.raises(Refused):
        adopt_plan(bureau.keeper, plan)
    adopt_plan(bureau.adopter, plan)
    plan.refresh_from_db()
    assert plan.state == "adopted"
    assert plan.adopted_by == bureau.adopter
    rows = {(row.line, row.level): row for row in Measure.objects.filter(plan=plan)}
    stopped = rows[line_of(bureau.people, 5), "yellow"]
    assert (stopped.part, stopped.name, stopped.evidence) == (1000, "停产", "用电")
    assert "停产" in stopped.text
    assert stopped.text_english
    assert (line_of(bureau.people, 1), "red") not in rows
    another = work_out(bureau, listing, grade_order="true")
    adopt_plan(bureau.adopter, another)
    plan.refresh_from_db()
    assert plan.state == "replaced"


def test_a_plan_that_falls_short_is_adopted_with_a_reason_only(bureau: Bureau) -> None:
    from muheng.web.emergency.actions.plans import adopt_plan
    from muheng.web.refusal import Refused

    plan = work_out(bureau, take(bureau, worked_inventory(bureau.people, twin=True)))
    with pytest.raises(Refused):
        adopt_plan(bureau.adopter, plan)
    assert adopt_plan(bureau.adopter, plan, "已报省厅同意").state == "adopted"


def test_withdrawing_takes_a_reason(bureau: Bureau) -> None:
    from muheng.web.emergency.actions.plans import adopt_plan, withdraw_plan
    from muheng.web.refusal import Refused

    plan = work_out(bureau, take(bureau))
    adopt_plan(bureau.adopter, plan)
    with pytest.raises(Refused):
        withdraw_plan(bureau.keeper, plan, "数据有误")
    with pytest.raises(Refused):
        withdraw_plan(bureau.adopter, plan, " ")
    assert withdraw_plan(bureau.adopter, plan, "数据有误").state == "withdrawn"


def test_the_pages_of_a_plan(bureau: Bureau, enter: Callable[[Any], Client]) -> None:
    listing = take(bureau)
    plan, other = work_out(bureau, listing), work_out(bureau, listing, pooling="true")
    client = enter(bureau.keeper)
    for address in (
        "",
        "lines/",
        "borne/",
        "map/",
        "map.json",
        "settings/",
        "compare/",
        "plan.csv",
        "borne/?level=yellow",
    ):
        assert client.get(f"/emergency/plans/{plan.pk}/{address}").status_code == 200, address
    assert client.get("/emergency/plans/").status_code == 200
    page = client.get(f"/emergency/plans/{plan.pk}/compare/?with={other.pk}").content.decode()
    assert "pooling = true" in page
    lines = client.get(f"/emergency/plans/{plan.pk}/lines/?acting=1&level=yellow").content.decode()
    assert line_of(bureau.people, 5) in lines
    assert line_of(bureau.people, 1) not in lines
    table = client.get(f"/emergency/plans/{plan.pk}/plan.csv").content.decode().splitlines()
    assert table[0] == "line,yellow,orange,red"
    assert len(table) == 9
    new = client.get(f"/emergency/lists/{listing.pk}/plans/new/?like={other.pk}").content.decode()
    assert "pooling = true" in new


def test_why_me(bureau: Bureau, enter: Callable[[Any], Client]) -> None:
    plan = work_out(bureau, take(bureau))
    client = enter(bureau.keeper)
    page = client.get(f"/emergency/plans/{plan.pk}/why/?line={line_of(bureau.people, 2)}")
    assert page.status_code == 200
    text = page.content.decode()
    assert "90,000" in text  # what a day without it costs
    assert client.get(f"/emergency/plans/{plan.pk}/why/?line=nobody").status_code == 404


def test_a_county_sees_lines_of_an_adopted_plan_and_no_totals(
    bureau: Bureau, enter: Callable[[Any], Client]
) -> None:
    from muheng.web.emergency.actions.plans import adopt_plan

    plan = work_out(bureau, take(bureau))
    client = enter(bureau.people.county_clerk)
    assert client.get(f"/emergency/plans/{plan.pk}/lines/").status_code == 404
    adopt_plan(bureau.adopter, plan)
    page = client.get(f"/emergency/plans/{plan.pk}/lines/").content.decode()
    assert bureau.people.enterprises[0].name in page
    assert bureau.people.enterprises[9].name not in page
    assert client.get(f"/emergency/plans/{plan.pk}/borne/").status_code == 404
    assert client.get(f"/emergency/plans/{plan.pk}/", follow=False).status_code == 302
    other = line_of(bureau.people, 7)
    assert client.get(f"/emergency/plans/{plan.pk}/why/?line={other}").status_code == 404


def test_what_fairness_costs(bureau: Bureau, enter: Callable[[Any], Client]) -> None:
    from muheng.web.jobs.actions import run_pending

    plan = work_out(bureau, take(bureau))
    client = enter(bureau.keeper)
    assert client.post(f"/emergency/plans/{plan.pk}/fairness/").status_code == 302
    run_pending()
    plan.refresh_from_db()
    points = plan.figures["fairness"]
    assert points[0]["cap"] is None
    assert len(points) > 3
    fair = [point for point in points if all(point["feasible"])]
    assert len(fair) > 1
    assert all(Fraction(point["together"]) >= 0 for point in fair)
    assert client.get(f"/emergency/plans/{plan.pk}/borne/").status_code == 200


def test_a_stored_plan_explains_itself_as_it_was(bureau: Bureau) -> None:
    from muheng.web.emergency.stored_plans import read_plan

    plan = work_out(bureau, take(bureau))
    read_plan.cache_clear()
    stored = read_plan(plan.folder)
    explanation = stored.explanation
    assert explanation is not None
    table = explanation.table()
    assert (
        table.filter(level="red").get_column("option").to_list()
        == stored.lines.get_column("measure_red").to_list()
    )
