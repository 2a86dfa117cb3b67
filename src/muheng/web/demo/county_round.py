"""A county's own evaluation, whose enterprises are confirming their figures just now: the demo's enterprise among them."""

from __future__ import annotations

from muheng.cities.demo import DemoRegistry
from muheng.web.demo.days import moment, working_day_before, working_day_of
from muheng.web.demo.persons import Owners, People
from muheng.web.demo.work import do_pending
from muheng.web.evaluation.actions.confirmation import open_confirmation
from muheng.web.evaluation.actions.roster import open_evaluation
from muheng.web.evaluation.models import Confirmation, Evaluation
from muheng.web.policy.models import PolicyVersion

OPENED = 4  # working days ago
_ANSWERED = 3  # two in three have answered


def open_round(people: People, policy: PolicyVersion, registry: DemoRegistry, owners: Owners) -> Evaluation:
    """The county clerk opens it and sends the sheets; most are back, the demo's enterprise has not answered."""
    opened = working_day_before(OPENED)
    evaluation = open_evaluation(
        people.county_clerk,
        registry.year,
        f"当涂县{registry.year}年度亩均效益评价（县级试点）",
        people.county,
        policy,
        at=moment(opened),
    )
    do_pending()
    evaluation.refresh_from_db()
    open_confirmation(people.county_clerk, evaluation, registry.confirm_within, at=moment(opened, 15))
    sheets = Confirmation.objects.filter(evaluation=evaluation).exclude(enterprise=owners.enterprise)
    numbers = list(sheets.order_by("pk").values_list("pk", flat=True))
    for late in range(_ANSWERED - 1):
        # As in the city's round: who confirmed on paper is known by the day.
        sheets.filter(pk__in=numbers[late::_ANSWERED]).update(
            state=Confirmation.State.CONFIRMED, answered_at=moment(working_day_of(opened, 2 + late), 11)
        )
    return evaluation
