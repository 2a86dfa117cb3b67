"""Orders: what they say, whom they reach, how they are answered, what shows that lines do as ordered."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from docx import Document

from web.emergency.population import NOW, START, Town, enter, issue
from web.emergency.test_alerts import refused

LATER = START + timedelta(hours=1)
PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82"
)


def upload(name: str = "现场.png", content: bytes = PNG) -> Any:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, content)


def begun(town: Town, clock: Callable[[datetime], None], level: str = "orange") -> Any:
    """An alert whose response has begun."""
    alert = issue(town, level)
    clock(LATER)
    return alert


def order_of(town: Town, alert: Any) -> Any:
    return alert.orders.get(enterprise=town.people.enterprises[0], replaced_at=None)


def line_of(order: Any, at: int = 0) -> str:
    return str(order.content["lines"][at]["line"])


def test_every_enterprise_with_something_to_do_gets_one_order(town: Town) -> None:
    from muheng.web.emergency.models import AlertStep, Order
    from muheng.web.notices.models import Notice

    alert = issue(town)
    orders = list(alert.orders.all())
    assert len(orders) == 8
    assert {order.lines for order in orders} == {1}
    assert not alert.orders.filter(firm__grade="A").exists()
    first = order_of(town, alert)
    assert first.content["lines"][0]["text"] == "1号线限产50%。"
    assert first.content["phone"] == "0555-0000000"
    assert first.due_at == START
    assert Notice.objects.filter(person=town.owner, href="/emergency/mine/", urgent=True).count() == 1
    # Doing it again gives nothing new.
    from muheng.web.emergency.actions.orders import write_orders

    assert write_orders(AlertStep.objects.get(kind="issued")) == 8
    assert Order.objects.count() == 8


def test_the_job_writes_them(town: Town) -> None:
    from muheng.web.emergency.actions.alerts import issue_alert
    from muheng.web.emergency.models import Order
    from muheng.web.jobs.actions import run_pending
    from web.emergency.population import propose

    alert = issue_alert(town.issuer, propose(town), number="1号")
    assert alert.job is not None
    run_pending()
    alert.job.refresh_from_db()
    assert alert.job.result == {"alert": alert.pk, "orders": 8}
    assert Order.objects.count() == 8


def test_a_change_of_level_gives_new_orders_that_say_what_changed(town: Town) -> None:
    from muheng.web.emergency.actions.alerts import change_level
    from muheng.web.emergency.actions.checkins import acknowledge
    from muheng.web.emergency.actions.orders import write_orders

    alert = issue(town)
    before = order_of(town, alert)
    acknowledge(town.owner, before)
    change_level(town.issuer, alert, "red", reason="联动", number="2号", despite=True)
    raised = alert.steps.get(kind="raised")
    write_orders(raised)
    # The job of the first step, had it come late, writes nothing any more.
    assert write_orders(alert.steps.get(kind="issued")) == 0
    before.refresh_from_db()
    assert before.replaced_at is not None
    now = order_of(town, alert)
    assert [each["change"] for each in now.content["lines"]] == ["原为限产50%", "新增"]
    assert (now.content["before"], now.acknowledged_at) == ("orange", None)
    assert "替代" in refused(lambda: acknowledge(town.owner, before)).what
    change_level(town.issuer, alert, "yellow", reason="联动", number="3号", despite=True)
    write_orders(alert.steps.get(kind="lowered"))
    assert order_of(town, alert).content["released"] == ["2号线"]


def test_who_has_nothing_to_do_any_more_is_told(town: Town) -> None:
    from muheng.web.emergency.actions.alerts import change_level
    from muheng.web.emergency.actions.checkins import acknowledge
    from muheng.web.emergency.actions.orders import write_orders
    from muheng.web.emergency.models import Measure
    from muheng.web.emergency.queries.alerts import orders_of
    from muheng.web.notices.models import Notice

    Measure.objects.filter(level="yellow", firm__enterprise=town.people.enterprises[0]).delete()
    alert = issue(town)
    change_level(town.issuer, alert, "yellow", reason="联动", number="2号", despite=True)
    write_orders(alert.steps.get(kind="lowered"))
    order = order_of(town, alert)
    assert (order.lines, order.content["released"]) == (0, ["1号线"])
    assert Notice.objects.filter(
        person=town.owner, subject_line="黄色预警：本级没有要求你单位的措施"
    ).exists()
    assert order not in orders_of(town.officer, alert)
    assert refused(lambda: acknowledge(town.owner, order)).what == "这份通知没有要求的措施。"


def test_acknowledged_once_by_the_enterprise_or_by_telephone(town: Town) -> None:
    from muheng.web.audit.models import Entry
    from muheng.web.emergency.actions.checkins import acknowledge

    alert = issue(town)
    order = order_of(town, alert)
    assert refused(lambda: acknowledge(town.people.other_owner, order)).status == 404
    assert refused(lambda: acknowledge(town.people.clerk, order)).status == 404
    done = acknowledge(town.owner, order, at=NOW + timedelta(hours=1))
    again = acknowledge(town.owner, order, at=NOW + timedelta(hours=2))
    assert done.acknowledged_at == again.acknowledged_at == NOW + timedelta(hours=1)
    other = alert.orders.get(enterprise=town.people.enterprises[1])
    assert acknowledge(town.inspector, other).acknowledged_by == town.inspector
    far = alert.orders.filter(firm__county=town.people.counties[1]).first()
    assert refused(lambda: acknowledge(town.inspector, far)).status == 404
    assert Entry.objects.filter(verb="emergency.acknowledge").count() == 2


@pytest.mark.parametrize(
    ("usual", "found", "verdict"),
    [
        ("1000", "550", "done"),
        ("1000", "550.001", "broken"),
        ("1000", "0", "done"),
        ("0", "0", "open"),
    ],
)
def test_a_reading_is_judged_at_the_boundary(
    town: Town, clock: Callable[[datetime], None], usual: str, found: str, verdict: str
) -> None:
    from muheng.web.emergency.actions.checkins import Evidence, check_in

    order = order_of(town, begun(town, clock))
    evidence = Evidence("power", usual=Decimal(usual), found=Decimal(found), unit="kWh")
    made = check_in(town.owner, order, line_of(order), evidence)
    order.refresh_from_db()
    assert made.verdict == verdict
    assert (order.done_lines, order.broken_lines) == (int(verdict == "done"), int(verdict == "broken"))
    assert order.acknowledged_at is not None  # who brings evidence has the order


def test_what_cannot_be_brought(town: Town, clock: Callable[[datetime], None]) -> None:
    from muheng.web.emergency.actions.checkins import Evidence, check_in
    from muheng.web.emergency.models import CheckIn

    order = order_of(town, begun(town, clock))
    line = line_of(order)
    for evidence, at in (
        (Evidence("site"), "kind"),
        (Evidence("power", usual=Decimal(1)), "found"),
        (Evidence("power", usual=Decimal(-1), found=Decimal(1)), "usual"),
        (Evidence("power", usual=Decimal("NaN"), found=Decimal(1)), "usual"),
        (Evidence("power", usual=Decimal(10) ** 13, found=Decimal(1)), "usual"),
        (Evidence("photo"), "files"),
        (Evidence("photo", note="停了", at=LATER + timedelta(hours=1)), "at"),
        (Evidence("photo", note="停了", at=START - timedelta(seconds=1)), "at"),
    ):
        assert refused(lambda evidence=evidence: check_in(town.owner, order, line, evidence)).at == at
    assert refused(lambda: check_in(town.owner, order, "X-9", Evidence("photo", note="停了"))).at == "line"
    bad = upload("照片.png", PNG[:20])
    assert refused(lambda: check_in(town.owner, order, line, Evidence("photo"), [bad])).at == "files"
    assert not CheckIn.objects.exists()


def test_sent_twice_it_is_one(town: Town, clock: Callable[[datetime], None]) -> None:
    from muheng.web.emergency.actions.checkins import Evidence, check_in
    from muheng.web.emergency.models import CheckIn

    order = order_of(town, begun(town, clock))
    evidence = Evidence("power", usual=Decimal(100), found=Decimal(10), reference="20261121-01")
    first = check_in(town.owner, order, line_of(order), evidence)
    assert check_in(town.owner, order, line_of(order), evidence) == first
    assert CheckIn.objects.count() == 1


def test_what_an_officer_found_stands_until_an_officer_looks_again(
    town: Town, clock: Callable[[datetime], None]
) -> None:
    from muheng.web.emergency.actions.checkins import Evidence, check_in, inspect

    order = order_of(town, begun(town, clock))
    line = line_of(order)
    good = Evidence("power", usual=Decimal(100), found=Decimal(5))
    check_in(town.owner, order, line, good)
    assert refused(lambda: inspect(town.inspector, order, line, "broken")).at == "note"
    assert refused(lambda: inspect(town.owner, order, line, "done")).status == 404
    made = inspect(town.inspector, order, line, "broken", note="设备在运转", uploads=[upload()])
    assert made.files.count() == 1
    check_in(town.owner, order, line, good, now=LATER + timedelta(hours=1))
    order.refresh_from_db()
    assert (order.done_lines, order.broken_lines) == (0, 1)
    inspect(town.inspector, order, line, "done", now=LATER + timedelta(hours=2))
    order.refresh_from_db()
    assert (order.done_lines, order.broken_lines) == (1, 0)


def test_checks_are_never_changed(town: Town, clock: Callable[[datetime], None]) -> None:
    from muheng.web.emergency.actions.checkins import inspect

    order = order_of(town, begun(town, clock))
    made = inspect(town.inspector, order, line_of(order), "done")
    made.verdict = "broken"
    assert refused(made.save).status == 409


def test_a_lifted_alert_takes_nothing_more(town: Town, clock: Callable[[datetime], None]) -> None:
    from muheng.web.emergency.actions.alerts import lift_alert
    from muheng.web.emergency.actions.checkins import Evidence, acknowledge, check_in, inspect

    alert = begun(town, clock)
    order = order_of(town, alert)
    lift_alert(town.issuer, alert, reason="好了", number="2号", despite=True)
    line = line_of(order)
    for deed in (
        lambda: acknowledge(town.owner, order),
        lambda: check_in(town.owner, order, line, Evidence("photo", note="停了")),
        lambda: inspect(town.inspector, order, line, "done"),
    ):
        assert "已解除" in refused(deed).what


def test_what_is_not_in_place_becomes_a_case_once(town: Town, clock: Callable[[datetime], None]) -> None:
    from muheng.web.casework.ways import ways_of
    from muheng.web.emergency.actions.checkins import inspect, open_hazard

    order = order_of(town, begun(town, clock))
    assert "没有查到" in refused(lambda: open_hazard(town.inspector, order, note="")).what
    inspect(town.inspector, order, line_of(order), "broken", note="在运转")
    case = open_hazard(town.inspector, order, note="2号炉没有停")
    assert (case.type, case.source, case.enterprise) == (
        "hazard",
        f"emergency.order:{order.pk}",
        town.people.enterprises[0],
    )
    assert case.fields["spot"] == "1号线"
    assert "已经立了事项" in refused(lambda: open_hazard(town.inspector, order, note="")).what
    assert [way.href for way in ways_of(case, town.inspector)] == [f"/emergency/orders/{order.pk}/"]


def test_an_objection_is_a_demand(town: Town) -> None:
    from muheng.web.emergency.actions.checkins import object_to

    order = order_of(town, issue(town))
    assert refused(lambda: object_to(town.people.other_owner, order, text="不符")).status == 404
    assert refused(lambda: object_to(town.owner, order, text=" ")).at == "text"
    case = object_to(town.owner, order, text="1号线是连续工序，不能限产。")
    assert (case.type, case.kind, case.opener) == ("demand", "environment", town.owner)


def test_who_does_not_answer_is_reminded_then_told_of(town: Town) -> None:
    from muheng.web.emergency.actions.checkins import acknowledge
    from muheng.web.emergency.actions.orders import remind_silent
    from muheng.web.notices.models import Notice

    alert = issue(town)
    acknowledge(town.inspector, alert.orders.get(enterprise=town.people.enterprises[1]))
    assert remind_silent(NOW + timedelta(hours=2) - timedelta(seconds=1)) == {"reminded": 0, "passed": 0}
    assert remind_silent(NOW + timedelta(hours=2)) == {"reminded": 7, "passed": 0}
    assert remind_silent(NOW + timedelta(hours=3)) == {"reminded": 0, "passed": 0}
    assert remind_silent(NOW + timedelta(hours=4)) == {"reminded": 0, "passed": 7}
    reminded = Notice.objects.filter(person=town.owner, subject_line__contains="还没有确认")
    assert reminded.count() == 1
    passed = Notice.objects.get(person=town.inspector, subject_line__contains="没有确认应急减排通知")
    assert passed.subject_line == "3 家企业没有确认应急减排通知，请核实"
    # Nobody inspects in the other county: the city's own people hear of its enterprises.
    told = Notice.objects.get(person=town.officer, subject_line__contains="没有确认应急减排通知")
    assert told.subject_line == "4 家企业没有确认应急减排通知，请核实"
    assert passed.href == f"/emergency/alerts/{alert.pk}/orders/?state=silent"


def test_papers_are_made_once_and_say_what_was_sent(town: Town) -> None:
    from muheng.web.emergency.actions.orders import find_paper
    from muheng.web.emergency.models import Measure

    order = order_of(town, issue(town))
    Measure.objects.filter(pk=order.content["lines"][0]["measure"]).update(text="另一句")
    held = find_paper(order, "order")
    said = "\n".join(
        cell.text
        for table in Document(io.BytesIO(held.path.read_bytes())).tables
        for row in table.rows
        for cell in row.cells
    )
    assert "1号线限产50%。" in said
    assert "另一句" not in said
    order.refresh_from_db()
    assert find_paper(order, "order") == held
    assert find_paper(order, "board") != held


def test_the_list_of_the_city_holds_every_line(town: Town, clock: Callable[[datetime], None]) -> None:
    from muheng.web.emergency.actions.checkins import inspect
    from muheng.web.emergency.actions.orders import make_roster_docx, make_roster_xlsx
    from muheng.web.emergency.queries.alerts import orders_of, states_of_lines

    alert = begun(town, clock)
    order = order_of(town, alert)
    inspect(town.inspector, order, line_of(order), "broken", note="在运转")
    orders = list(orders_of(town.officer, alert))
    states = states_of_lines([each.pk for each in orders])
    book = openpyxl.load_workbook(io.BytesIO(make_roster_xlsx(alert, orders, states)))
    rows = list(book["措施清单"].iter_rows(min_row=5, values_only=True))
    assert len(rows) == 8
    own = next(row for row in rows if row[0] == town.people.enterprises[0].name)
    assert (own[6], own[7], own[12], own[13], own[17]) == (
        "1号线限产50%。",
        "负荷不超过平日的50%",
        "措施不到位",
        0.5,
        5000,
    )
    content = Document(io.BytesIO(make_roster_docx(alert, orders)))
    assert any("向8家企业的8条生产线下达措施" in each.text for each in content.paragraphs)


def test_each_sees_what_is_theirs(town: Town) -> None:
    from muheng.web.emergency.queries import alerts as queries

    alert = issue(town)
    whole = queries.count_execution(queries.orders_of(town.officer, alert))
    assert (whole.orders, whole.lines) == (8, 8)
    east = queries.count_execution(queries.orders_of(town.people.county_clerk, alert))
    west = queries.count_execution(queries.orders_of(town.people.other_county_clerk, alert))
    assert (east.orders, west.orders) == (4, 4)
    assert [order.firm.code for order in queries.orders_for(town.owner)] == [town.people.enterprises[0].code]
    assert list(queries.alerts_for(town.people.data_clerk)) == []
    assert not queries.reports_for(town.people.county_clerk).exists()


def test_the_report_adds_up(town: Town, clock: Callable[[datetime], None]) -> None:
    from muheng.web.emergency.actions.alerts import lift_alert
    from muheng.web.emergency.actions.checkins import Evidence, acknowledge, check_in, inspect
    from muheng.web.emergency.actions.episodes import issue_report, read_report
    from muheng.web.emergency.models import Alert

    alert = issue(town)
    assert "还没有解除" in refused(lambda: issue_report(town.officer, alert)).what
    order = order_of(town, alert)
    acknowledge(town.owner, order, at=NOW + timedelta(hours=3))
    clock(LATER)
    check_in(town.owner, order, line_of(order), Evidence("power", usual=Decimal(100), found=Decimal(50)))
    other = alert.orders.get(enterprise=town.people.enterprises[1])
    inspect(town.inspector, other, line_of(other), "broken", note="没有停")
    end = START + timedelta(days=2)
    clock(end)
    enter(town, 210, 220, 100, 60, 50, 50, at=end)
    alert = lift_alert(town.issuer, Alert.objects.get(pk=alert.pk), reason="好了", number="2号")
    report = issue_report(
        town.officer, alert, recorded={START.date(): 205}, learnt=["早一天通知更好", " "], at=end
    )
    episode = read_report(report)
    assert [(each.level, each.minutes) for each in episode.spans] == [("orange", 2 * 24 * 60)]
    assert (episode.whole.firms, episode.whole.acknowledged, episode.whole.in_time) == (8, 1, 0)
    assert (episode.whole.done, episode.whole.broken) == (1, 1)
    assert [part.name for part in episode.counties] == ["东山区", "西湖县"]
    (level,) = episode.levels
    assert level.planned == (4000, 8000, 0, 0)
    assert level.shown == (500, 1000, 0, 0)
    assert level.need == (1000, 0, 0, 0)
    assert (level.loss, level.uniform_loss) == (4_000_000, 9_000_000)
    assert episode.saved == 10_000_000
    assert [each.enterprise for each in episode.broken] == [town.people.enterprises[1].name]
    assert len(episode.silent) == 7
    assert [each.grade for each in episode.spared] == ["A"]
    assert [(day.on, day.forecast, day.recorded) for day in episode.days][:2] == [
        (START.date(), 210, 205),
        (START.date() + timedelta(days=1), 220, None),
    ]
    assert episode.learnt == ("早一天通知更好",)
    assert refused(lambda: issue_report(town.officer, alert, recorded={START.date(): 501})).at == "recorded"
    assert report.docx is not None
    assert report.xlsx is not None
    assert refused(lambda: issue_report(town.people.clerk, alert)).status == 403
