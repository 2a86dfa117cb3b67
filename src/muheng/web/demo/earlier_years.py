"""The demo's earlier years: checked figures as one layer, evaluated, published and signed, so that grades have a history."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from muheng.cities.demo import DemoRegistry
from muheng.intake.facts import Item, facts_from_decimals
from muheng.web.audit.actions import record
from muheng.web.demo.days import moment, working_day_of
from muheng.web.demo.persons import People
from muheng.web.demo.work import do_pending
from muheng.web.evaluation.actions.confirmation import close_confirmation, open_confirmation
from muheng.web.evaluation.actions.review import choose, close_publicity, publish, review
from muheng.web.evaluation.actions.roster import open_evaluation
from muheng.web.evaluation.actions.running import ask_final, ask_trial
from muheng.web.evaluation.actions.signing import sign
from muheng.web.evaluation.models import Confirmation, Evaluation
from muheng.web.intake.reading import city_layouts
from muheng.web.policy.models import PolicyVersion
from muheng.web.registry.panels import add_layer

SOURCE = "历年数据"


def items() -> dict[str, Item]:
    """Every item of the departments' layouts."""
    return {name: item for layout in city_layouts() for name, item in layout.items().items()}


@transaction.atomic
def evaluate_year(people: People, policy: PolicyVersion, registry: DemoRegistry, year: int) -> Evaluation:
    """One year from its figures to the signature, in the spring and summer after it."""
    facts = facts_from_decimals(registry.yearly[year], items(), year, file=SOURCE, sheet=str(year))
    layer = add_layer(facts, f"{year} 年核定数据（历年评价）", f"demo.year:{year}", people.clerk)
    record(people.clerk, "registry.add_layer", layer, year=year)
    opened = working_day_of(date(year + 1, 4, 6), 1)
    evaluation = open_evaluation(
        people.clerk,
        year,
        f"{year}年度工业企业亩均效益评价",
        people.department,
        policy,
        at=moment(opened),
    )
    do_pending()
    open_confirmation(people.clerk, evaluation, registry.confirm_within, at=moment(opened, 15))
    # What each enterprise answered years ago is known as a whole, not as a deed of each.
    Confirmation.objects.filter(evaluation=evaluation).update(
        state=Confirmation.State.CONFIRMED, answered_at=moment(working_day_of(opened, 5))
    )
    closed = working_day_of(opened, registry.confirm_within + 2)
    close_confirmation(people.clerk, evaluation, at=moment(closed))
    trial = ask_trial(people.clerk, evaluation, at=moment(closed, 14))
    do_pending()
    evaluation.refresh_from_db()
    choose(people.clerk, evaluation, trial)
    review(people.chief, trial, True, at=moment(working_day_of(closed, 3)))
    first = working_day_of(closed, 5)
    publish(people.clerk, evaluation, registry.publicity, first, at=moment(first, 9))
    over = working_day_of(first, registry.publicity + 1)
    close_publicity(people.clerk, evaluation, at=moment(over))
    final = ask_final(people.clerk, evaluation, at=moment(over, 14))
    do_pending()
    final.refresh_from_db()
    return sign(people.leader, final, at=moment(working_day_of(over, 3)))
