"""The demo year's evaluation up to today: sheets answered, disputes settled, trials, review, publicity half over."""

from __future__ import annotations

from datetime import date

from django.core.files.uploadedfile import SimpleUploadedFile

from muheng.cities.demo import DemoRegistry
from muheng.web.demo.days import moment, working_day_before, working_day_of
from muheng.web.demo.persons import People
from muheng.web.demo.work import do_pending
from muheng.web.evaluation.actions.confirmation import close_confirmation, dispute, open_confirmation
from muheng.web.evaluation.actions.objections import Answer, answer_all, object_to_result
from muheng.web.evaluation.actions.review import choose, publish, review
from muheng.web.evaluation.actions.roster import open_evaluation
from muheng.web.evaluation.actions.running import ask_trial
from muheng.web.evaluation.models import Confirmation, Evaluation, Objection
from muheng.web.policy.models import PolicyVersion
from muheng.web.registry.models import Enterprise

OPENED = 40  # working days ago
PUBLICITY, IN_PUBLICITY = 10, 8  # working days in all, and today's number
_PARTIES = {"本企业": Objection.Party.OWN, "其他企业": Objection.Party.OTHER, "公众": Objection.Party.PUBLIC}
_PAPER = "{day}收到的盖章纸质材料"


def run_procedure(people: People, policy: PolicyVersion, registry: DemoRegistry) -> Evaluation:
    """From the roster to the eighth day of publicity, some objections answered, some still to be."""
    opened = working_day_before(OPENED)
    evaluation = open_evaluation(
        people.clerk,
        registry.year,
        f"{registry.year}年度工业企业亩均效益评价",
        people.department,
        policy,
        at=moment(opened),
    )
    do_pending()
    evaluation.refresh_from_db()
    open_confirmation(people.clerk, evaluation, registry.confirm_within, at=moment(opened, 15))
    # The sheets' first working day is the one after they were sent.
    first = working_day_of(opened, 2)
    _answer_sheets(people, registry, evaluation, first)
    closed = working_day_of(first, registry.confirm_within + 1)
    evaluation.refresh_from_db()
    close_confirmation(people.clerk, evaluation, at=moment(closed))
    _settle_disputes(people, registry, evaluation, first)
    _try_and_publish(people, policy, evaluation, working_day_of(closed, 6))
    _object(people, registry, evaluation)
    evaluation.refresh_from_db()
    return evaluation


def _answer_sheets(people: People, registry: DemoRegistry, evaluation: Evaluation, first: date) -> None:
    """Who disputed did so on paper, written down by the clerk; who confirmed is known by the day."""
    enterprises = {each.code: each for each in _enterprises({each.code for each in registry.disputes})}
    for each in registry.disputes:
        day = working_day_of(first, each.raised)
        dispute(
            people.clerk,
            evaluation,
            enterprises[each.code],
            each.item,
            f"{each.claimed:f}",
            each.reason,
            [SimpleUploadedFile(each.evidence, f"演示用佐证：{each.evidence}".encode())],
            note=_PAPER.format(day=f"{day.month}月{day.day}日"),
            at=moment(day),
        )
    by_day: dict[int, list[str]] = {}
    for answer in registry.confirmations:
        if answer.outcome == "确认" and answer.day is not None:
            by_day.setdefault(answer.day, []).append(answer.code)
    waiting = Confirmation.objects.filter(evaluation=evaluation, state=Confirmation.State.WAITING)
    for number, codes in by_day.items():
        # A thousand accounts that each press a button once would show nothing more than their number.
        waiting.filter(enterprise__code__in=codes).update(
            state=Confirmation.State.CONFIRMED, answered_at=moment(working_day_of(first, number), 11)
        )


def _settle_disputes(people: People, registry: DemoRegistry, evaluation: Evaluation, first: date) -> None:
    """The chief answers in two sittings; what was upheld becomes a layer of facts."""
    open_ones = {each.enterprise.code: each for each in _open(evaluation)}
    days = sorted({each.answered for each in registry.disputes})
    middle = days[len(days) // 2]
    for part in (
        [each for each in registry.disputes if each.answered <= middle],
        [each for each in registry.disputes if each.answered > middle],
    ):
        if part:
            day = working_day_of(first, max(each.answered for each in part))
            answer_all(
                people.chief,
                evaluation,
                [Answer(open_ones[each.code].pk, _outcome(each.upheld), each.answer) for each in part],
                at=moment(max(day, working_day_of(first, registry.confirm_within + 1)), 16),
            )


def _try_and_publish(people: People, policy: PolicyVersion, evaluation: Evaluation, day: date) -> None:
    """Two trials side by side; the one by the method in force is reviewed and published."""
    stricter = policy.text.replace('A = "20%"', 'A = "15%"', 1)
    ask_trial(
        people.analyst,
        evaluation,
        "A 类只给 15%",
        text=stricter,
        reason="测算 A 类比例由 20% 降到 15% 的影响，仅供内部比较。",
        at=moment(day, 10),
    )
    official = ask_trial(people.clerk, evaluation, "按现行办法", at=moment(day, 14))
    do_pending()
    official.refresh_from_db()
    evaluation.refresh_from_db()
    choose(people.clerk, evaluation, official)
    review(
        people.chief,
        official,
        True,
        "数据异议均已办结，结果与上年变化合理。",
        at=moment(working_day_of(day, 3)),
    )
    begins = working_day_before(IN_PUBLICITY - 1)
    publish(people.clerk, evaluation, PUBLICITY, begins, at=moment(begins, 9))


def _object(people: People, registry: DemoRegistry, evaluation: Evaluation) -> None:
    evaluation.refresh_from_db()
    begins = evaluation.publicity_from
    assert begins is not None
    raised = [each for each in registry.objections if each.raised <= IN_PUBLICITY]
    enterprises = {each.code: each for each in _enterprises({each.code for each in raised})}
    answers: dict[int, list[Answer]] = {}
    for each in sorted(raised, key=lambda each: each.raised):
        day = working_day_of(begins, each.raised)
        party = _PARTIES[each.by]
        claim = f"主张：{each.claimed}。" if each.claimed else ""
        made = object_to_result(
            people.clerk,
            evaluation,
            enterprises[each.code],
            f"{each.subject}：{each.reason}{claim}",
            party=party,
            who="" if party == Objection.Party.OWN else f"{each.by}（实名，演示）",
            note=_PAPER.format(day=f"{day.month}月{day.day}日"),
            at=moment(day, 10),
        )
        if each.answered <= IN_PUBLICITY:
            answers.setdefault(each.answered, []).append(Answer(made.pk, _outcome(each.upheld), each.answer))
    for number in sorted(answers):
        answer_all(people.chief, evaluation, answers[number], at=moment(working_day_of(begins, number), 9))


def _outcome(upheld: bool) -> str:
    return Objection.State.UPHELD if upheld else Objection.State.REJECTED


def _open(evaluation: Evaluation) -> list[Objection]:
    return list(evaluation.objections.filter(state=Objection.State.OPEN).select_related("enterprise"))


def _enterprises(codes: set[str]) -> list[Enterprise]:
    return list(Enterprise.objects.filter(code__in=codes))
