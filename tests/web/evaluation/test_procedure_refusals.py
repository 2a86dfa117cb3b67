"""What each step refuses, in the words that a person reads; and deadlines over holidays and beyond the calendar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from muheng.intake.overlay import Correction, correction_layer
from muheng.web.evaluation.actions.confirmation import (
    close_confirmation,
    confirm,
    dispute,
    extend_confirmation,
    open_confirmation,
)
from muheng.web.evaluation.actions.objections import Answer, answer, answer_all, object_to_result, withdraw
from muheng.web.evaluation.actions.review import choose, close_publicity, publish, review
from muheng.web.evaluation.actions.roster import exclude, include, open_evaluation, take_roster
from muheng.web.evaluation.actions.running import ask_correction, ask_final, ask_trial
from muheng.web.evaluation.actions.signing import sign
from muheng.web.evaluation.models import Confirmation, Objection, Run
from muheng.web.evaluation.queries.disputes import objections_for
from muheng.web.evaluation.queries.procedure import next_deed
from muheng.web.files.actions import folder_path
from muheng.web.jobs.actions import cancel, run_pending
from muheng.web.people.models import User
from muheng.web.refusal import Refused
from muheng.web.registry.actions import represent
from muheng.web.registry.models import Layer
from muheng.web.registry.panels import add_layer, current
from web.evaluation.city import POLICY, Case, make_case, make_facts, make_policy, moment
from web.evaluation.test_procedure_path import AFTER, MONDAY, to_publicity, to_signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def case() -> Case:
    return make_case()


def refuses(words: str, deed: Callable[[], object]) -> None:
    with pytest.raises(Refused) as refused:
        deed()
    assert words in refused.value.what, refused.value.what


def computed(run: Run) -> Run:
    run_pending()
    run.refresh_from_db()
    return run


def test_opening(case: Case) -> None:
    people, policy = case.people, case.policy
    draft = make_policy(number=2, state="draft")
    opened = lambda **given: open_evaluation(  # noqa: E731
        given.get("actor", people.clerk), given.get("year", 2025), given.get("title", "新"), people.department,
        given.get("policy", policy),
    )  # fmt: skip
    refuses("还是草稿", lambda: opened(policy=draft))
    refuses("还没有 2020 年的数据", lambda: opened(year=2020))
    refuses("请写明名称", lambda: opened(title=" "))
    refuses("已有同名的评价", lambda: opened(title="2025年度亩均效益评价"))
    refuses("没有“组织评价”的权限", lambda: opened(actor=people.county_clerk))
    refuses("没有“组织评价”的权限", lambda: opened(actor=people.leader))


def test_a_county_evaluates_its_own(case: Case) -> None:
    people = case.people
    made = open_evaluation(people.county_clerk, 2025, "东山区评价", people.counties[0], case.policy)
    run_pending()
    assert made.participants.count() == 7
    refuses("正在整理名单", lambda: (make_waiting(case), make_waiting(case)))


def make_waiting(case: Case) -> None:
    from muheng.web.evaluation.actions.roster import ask_roster

    ask_roster(case.people.clerk, case.fresh())


def test_roster(case: Case) -> None:
    clerk, evaluation = case.people.clerk, case.evaluation
    first = case.people.enterprises[0]
    refuses("请写明移出名单的理由", lambda: exclude(clerk, evaluation, [first], " "))
    assert exclude(clerk, evaluation, [first], "重复") == 1
    refuses("已移出", lambda: exclude(clerk, evaluation, [first], "重复"))
    run = computed(ask_trial(clerk, evaluation))
    assert run.summary is not None
    assert run.summary["subjects"] == 11
    assert take_roster(clerk, evaluation) == 12  # what was decided by hand stays
    assert evaluation.participants.get(enterprise=first).reason == "重复"
    assert include(clerk, evaluation, [first]) == 1
    refuses("都已在名单里", lambda: include(clerk, evaluation, [first]))


def test_sheets(case: Case) -> None:
    people, evaluation = case.people, case.evaluation
    owner, own, clerk = people.owner, people.enterprises[0], people.clerk
    monday = moment(MONDAY)
    refuses("这一步要在“企业确认”时办", lambda: confirm(owner, evaluation, own))
    refuses("1 到 250 个工作日", lambda: open_confirmation(clerk, evaluation, 0))
    exclude(clerk, evaluation, [people.enterprises[1]], "重复")
    assert open_confirmation(clerk, evaluation, 10, at=monday) == 11
    refuses("现在是“企业确认”", lambda: open_confirmation(clerk, evaluation, 10, at=monday))
    include(clerk, evaluation, [people.enterprises[1]])
    assert Confirmation.objects.count() == 12  # who comes back gets a sheet
    exclude(clerk, evaluation, [people.enterprises[1]], "重复")
    assert Confirmation.objects.count() == 11

    refuses(
        "没有“确认、异议本企业数据”的权限",
        lambda: confirm(owner, evaluation, people.enterprises[2], at=monday),
    )
    refuses("没有“确认、异议本企业数据”的权限", lambda: confirm(people.leader, evaluation, own, at=monday))
    refuses("写明依据的书面材料", lambda: confirm(clerk, evaluation, own, at=monday))
    represent(None, owner, people.enterprises[1])
    owner = User.objects.get(pk=owner.pk)  # what it acts for is asked once in the life of an object
    refuses("没有这次评价的确认单", lambda: confirm(owner, evaluation, people.enterprises[1], at=monday))

    said = lambda item="入库税收", claimed="1300", text="理由", files=(): dispute(  # noqa: E731
        owner, evaluation, own, item, claimed, text, files, at=monday
    )
    refuses("没有“产值”这一项", lambda: said("产值"))
    refuses("不是数字", lambda: said(claimed="一千"))
    refuses("小数位太多", lambda: said(claimed="1300.005"))
    refuses("和单上的一样", lambda: said(claimed="1200"))
    refuses("请写明异议的理由", lambda: said(text=" "))
    refuses("这种文件不收", lambda: said(files=[SimpleUploadedFile("a.exe", b"MZ")]))
    refuses("最多 10 个", lambda: said(files=[SimpleUploadedFile("a.pdf", b"x")] * 11))
    assert not Objection.objects.exists()
    objection = said()
    refuses("还没有答复，不用再提", said)
    refuses("提过异议", lambda: confirm(owner, evaluation, own, at=monday))
    refuses("没有“确认、异议本企业数据”的权限", lambda: withdraw(people.other_owner, objection))
    withdraw(owner, objection, at=monday)
    assert Confirmation.objects.get(enterprise=own).state == "waiting"
    refuses("已经办过（已撤回）", lambda: withdraw(owner, objection))
    confirm(owner, evaluation, own, at=monday)
    refuses("已经确认过", lambda: confirm(owner, evaluation, own, at=monday))
    refuses("已经确认，不能再提异议", said)
    refuses("还有 10 户没有回复", lambda: close_confirmation(clerk, evaluation, at=monday))
    other = people.enterprises[-1]
    refuses("确认期限已过", lambda: confirm(people.other_owner, evaluation, other, at=moment(AFTER)))
    refuses("请写明延期的理由", lambda: extend_confirmation(clerk, evaluation, 3, ""))
    extended = extend_confirmation(clerk, evaluation, 3, "系统维护", at=moment(AFTER))
    assert extended.confirm_until == date(2026, 3, 27)
    confirm(people.other_owner, evaluation, other, at=moment(AFTER))
    assert close_confirmation(clerk, evaluation, at=moment(date(2026, 3, 28))) == 9


def test_answers(case: Case) -> None:
    people, evaluation = case.people, case.evaluation
    open_confirmation(people.clerk, evaluation, 10, at=moment(MONDAY))
    first = dispute(
        people.owner, evaluation, people.enterprises[0], "自有用地", "24", "代征", at=moment(MONDAY)
    )
    second = dispute(
        people.other_owner, evaluation, people.enterprises[-1], "用电量", "300", "宿舍", at=moment(MONDAY)
    )
    chief = people.chief
    refuses("没有“答复异议”的权限", lambda: answer(people.county_clerk, first, "upheld", "属实"))
    refuses("请写明答复的理由", lambda: answer(chief, first, "rejected", " "))
    refuses("请选择采纳", lambda: answer(chief, first, "open", "属实"))
    refuses("没有填更正后的值", lambda: answer(chief, first, "partly", "属实"))
    refuses("都不同", lambda: answer(chief, first, "partly", "属实", "24"))
    before = Layer.objects.count()
    wrong = [Answer(first.pk, "upheld", "属实"), Answer(second.pk, "rejected", " ")]
    refuses("请写明答复的理由", lambda: answer_all(chief, evaluation, wrong))
    first.refresh_from_db()
    assert (first.state, Layer.objects.count()) == ("open", before)  # all or none
    given = [Answer(first.pk, "upheld", "属实"), Answer(second.pk, "partly", "部分属实", "400")]
    answer_all(chief, evaluation, given, at=moment(MONDAY))
    assert Layer.objects.count() == before + 1
    facts = current(2025)
    assert facts is not None
    (cell,) = facts.cells(people.enterprises[-1].code, "用电量")
    assert (cell.file, cell.value) == (f"更正单 第{second.pk}号", "400.0000")
    refuses("已经办过（采纳，科长李）", lambda: answer(people.clerk, first, "rejected", "不属实"))


def test_trials_and_choice(case: Case) -> None:
    people, evaluation = case.people, case.evaluation
    clerk = people.clerk
    refuses(
        "这份规则有错误",
        lambda: ask_trial(clerk, evaluation, text=POLICY.replace("weight  = 70", "weight  = 71")),
    )
    refuses("还没有发过确认单", lambda: ask_trial(clerk, evaluation, basis="shown"))
    refuses("没有未答复的数据异议", lambda: ask_trial(clerk, evaluation, basis="claimed"))
    changed = computed(ask_trial(clerk, evaluation, text=POLICY.replace('A = "20%"', 'A = "30%"')))
    assert changed.summary is not None
    assert changed.summary["grades"]["A"] == 3
    refuses("这一步要在“试算”时办", lambda: choose(clerk, evaluation, changed))
    open_confirmation(clerk, evaluation, 10, at=moment(MONDAY))
    objection = dispute(
        people.owner, evaluation, people.enterprises[0], "入库税收", "1", "理由", at=moment(MONDAY)
    )
    claimed = computed(ask_trial(clerk, evaluation, basis="claimed"))
    assert claimed.state == Run.State.DONE, claimed.error
    close_confirmation(clerk, evaluation, at=moment(AFTER))
    plain = computed(ask_trial(clerk, evaluation))
    refuses("不是定稿的办法", lambda: choose(clerk, evaluation, changed))
    refuses("还有 1 件数据异议没有答复", lambda: choose(clerk, evaluation, plain))
    answer(people.chief, objection, "rejected", "无误")
    refuses("数据又有变化，或用的不是现有数据", lambda: choose(clerk, evaluation, claimed))
    exclude(clerk, evaluation, [people.enterprises[3]], "停产")
    refuses("名单又有变化", lambda: choose(clerk, evaluation, plain))
    include(clerk, evaluation, [people.enterprises[3]])
    choose(clerk, evaluation, plain)
    refuses("现在是“内部审核”", lambda: ask_trial(clerk, evaluation))
    refuses("现在是“内部审核”", lambda: exclude(clerk, evaluation, [people.enterprises[3]], "停产"))
    refuses("请写明退回的理由", lambda: review(people.chief, plain, False))
    review(people.chief, plain, False, "用地数再核。")
    assert case.fresh().state == "trial"
    refuses("被退回过", lambda: choose(clerk, evaluation, plain))
    # Who computes does not review, whatever their rights.
    own = computed(ask_trial(people.chief, evaluation))
    choose(clerk, evaluation, own)
    refuses("谁算的谁不能审核", lambda: review(people.chief, own, True))
    refuses("还没有人审核同意", lambda: publish(clerk, evaluation, 5))


def test_a_run_that_cannot_be_computed_says_why(case: Case) -> None:
    people = case.people
    facts = make_facts(people)
    first = people.enterprises[0]
    add_layer(correction_layer(facts, [Correction(first.code, "规模", "中型", "补报")]), "补报", "test", None)
    run = computed(ask_trial(people.clerk, case.evaluation))
    assert run.state == Run.State.FAILED
    assert first.name in run.error
    assert "中型" in run.error
    assert run.problems[0]["en"] != run.problems[0]["zh"]
    take_roster(people.clerk, case.evaluation)
    fresh = case.fresh()
    assert first.name in fresh.roster_problems[0]["zh"]
    deed = next_deed(people.clerk, fresh)
    assert deed is not None
    assert deed.missing == ("数据和办法还对不上，有 1 处",)


def test_publicity_and_objections(case: Case) -> None:
    people, evaluation = case.people, case.evaluation
    to_publicity(case)
    first = people.enterprises[0]
    refuses("现在是“公示”", lambda: publish(people.clerk, evaluation, 5))
    said = lambda actor=people.owner, day=26, **more: object_to_result(  # noqa: E731
        actor, evaluation, first, more.pop("text", "偏低"), at=moment(date(2026, 3, day)), **more
    )
    refuses("公示期是 2026年3月25日到2026年3月31日", lambda: said(day=24))
    refuses("只能为自己", lambda: said(party="public", who="某人"))
    refuses("请写明异议的理由", lambda: said(text=""))
    refuses("写明依据", lambda: said(people.clerk, party="public", who="某人"))
    refuses("请写明异议人", lambda: said(people.clerk, party="public", note="来信"))
    made = said(people.clerk, party="public", who="居民某", note="3月26日来信", item="自有用地", claimed="30")
    assert made in objections_for(people.county_clerk)
    assert made not in objections_for(people.owner)
    assert made not in objections_for(people.other_county_clerk)
    assert (made.shown, made.claimed) == ("24.0000", "30.0000")
    refuses("别人提的异议不能由您撤回", lambda: withdraw(people.owner, made))
    refuses("还没有结束", lambda: close_publicity(people.clerk, evaluation, at=moment(date(2026, 3, 31))))
    refuses("现在是“公示”", lambda: ask_final(people.clerk, evaluation))
    close_publicity(people.clerk, evaluation, at=moment(date(2026, 4, 1)))
    refuses("没有答复", lambda: ask_final(people.clerk, evaluation))
    answer(people.chief, made, "upheld", "属实。", at=moment(date(2026, 4, 1)))
    final = computed(ask_final(people.clerk, evaluation))
    assert final.facts != case.fresh().chosen.facts  # type: ignore[union-attr]


def test_signatures(case: Case) -> None:
    people, evaluation = case.people, case.evaluation
    trial = to_publicity(case)
    close_publicity(people.clerk, evaluation, at=moment(date(2026, 4, 1)))
    waiting = ask_final(people.clerk, evaluation)
    refuses("已经在计算", lambda: ask_final(people.clerk, evaluation))
    refuses("还没有算完", lambda: sign(people.leader, waiting))
    first = computed(waiting)
    second = computed(ask_final(people.clerk, evaluation))
    refuses("请签最近的一次", lambda: sign(people.leader, first))
    refuses("试算不能签发", lambda: sign(people.leader, trial))
    refuses("没有“签发评价结果”的权限", lambda: sign(people.chief, second))
    bundle = folder_path(second.results) / "bundle.zip"
    kept = bundle.read_bytes()
    bundle.write_bytes(kept[:-100])
    refuses("和计算时的不一样", lambda: sign(people.leader, second))
    bundle.write_bytes(kept)
    Run.objects.filter(pk=second.pk).update(created_by=people.leader)
    refuses("谁算的谁不能签发", lambda: sign(people.leader, second))
    Run.objects.filter(pk=second.pk).update(created_by=people.clerk)
    sign(people.leader, second)
    refuses("已由领导王签发", lambda: sign(people.leader, second))


def test_a_final_run_whose_work_was_stopped_is_asked_for_again(case: Case) -> None:
    people, evaluation = case.people, case.evaluation
    to_publicity(case)
    close_publicity(people.clerk, evaluation, at=moment(date(2026, 4, 1)))
    first = ask_final(people.clerk, evaluation)
    assert first.job is not None
    cancel(first.job)
    first.refresh_from_db()
    assert first.lost
    deed = next_deed(people.clerk, case.fresh())
    assert deed is not None
    assert deed.title == "重新终算"
    assert computed(ask_final(people.clerk, evaluation)).state == Run.State.DONE
    refuses("请签最近的一次", lambda: sign(people.leader, first))


def test_one_grade_a_year(case: Case) -> None:
    people = case.people
    to_signed(case)
    again = open_evaluation(people.clerk, 2025, "又一次", people.department, case.policy, at=moment(MONDAY))
    run_pending()
    again.refresh_from_db()
    other = Case(people, case.policy, again)
    open_confirmation(people.clerk, again, 10, at=moment(MONDAY))
    close_confirmation(people.clerk, again, at=moment(AFTER))
    run = computed(ask_trial(people.clerk, again))
    choose(people.clerk, again, run)
    review(people.chief, run, True)
    publish(people.clerk, again, 1, at=moment(AFTER))
    close_publicity(people.clerk, again, at=moment(date(2026, 4, 1)))
    final = computed(ask_final(people.clerk, again))
    refuses("已有另一次评价签发的等级", lambda: sign(people.leader, final))
    assert other.fresh().state == "final"


def test_corrections(case: Case) -> None:
    people = case.people
    refuses("这一步要在“已签发”时办", lambda: ask_correction(people.clerk, case.evaluation, "错"))
    to_signed(case)
    one = computed(ask_correction(people.clerk, case.evaluation, "一"))
    two = computed(ask_correction(people.clerk, case.evaluation, "二"))
    review(people.chief, one, True)
    review(people.chief, two, True)
    sign(people.leader, two)
    refuses("已经被别的更正代替", lambda: sign(people.leader, one))
    three = computed(ask_correction(people.clerk, case.evaluation, "三"))
    review(people.chief, three, False, "理由不足。")
    refuses("还没有审核同意", lambda: sign(people.leader, three))


@pytest.mark.parametrize(
    ("opened", "days", "until", "provisional"),
    [
        # Spring Festival is 15 to 23 February; Saturday the 14th is worked.
        (date(2026, 2, 12), 5, date(2026, 2, 26), False),
        (date(2026, 12, 28), 5, date(2027, 1, 4), True),  # no calendar of 2027 yet
        (date(2026, 3, 6), 1, date(2026, 3, 9), False),  # Friday
    ],
)
def test_deadlines(opened: date, days: int, until: date, provisional: bool) -> None:
    case = make_case(opened)
    open_confirmation(case.people.clerk, case.evaluation, days, at=moment(opened, 23))
    evaluation = case.fresh()
    assert (evaluation.confirm_until, evaluation.provisional) == (until, provisional)
    # The last day counts to its end.
    confirm(case.people.owner, evaluation, case.people.enterprises[0], at=moment(until, 23))
