"""What acts ask for and what they change: the whole thread of a hazard, and demands from opening to reopening."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from casebook import CALENDAR, Book, load, shipped

from muheng.casework.case_type import load_type, route
from muheng.casework.history import Actor, BrokenHistory, Event, replay, take
from muheng.casework.standing import missing_for, offers
from muheng.casework.values import read_value
from muheng.cities.pack import COMMON_CASES
from muheng.documents.message import Refusal


def photo(label: str, name: str = "一.jpg") -> dict[str, str]:
    return {"label": label, "name": name, "sha256": "ab" * 32}


def demand(**fields: Any) -> Book:
    given = {"title": "一事", "detail": "详情", **fields}
    return Book(load("demand")).open("2026-03-02T09:00", kind="other", fields=given)


def handled() -> Book:
    book = demand().act("2026-03-03T09:00", "accept", "desk")
    return book.act("2026-03-03T10:00", "dispatch", "desk", organisation=5, handler=9)


def answered() -> Book:
    return handled().act("2026-03-05T09:00", "answer", "handler", note="已办", fields={"outcome": "已解决"})


def offered(book: Book, *parts: str, now: Any = None) -> dict[str, tuple[str, ...]]:
    found = offers(book.case_type, book.standing, parts, now)  # type: ignore[arg-type]
    return {offer.act.id: tuple(str(each) for each in offer.missing) for offer in found}


# -- the thread ------------------------------------------------------------------------------------


def test_visit_hazard_proposal_rectification_revisit_struck_off() -> None:
    visit = Book(load("visit")).open("2026-03-02T09:00", "opener", fields={"title": "一季度走访"})
    visit.act("2026-03-04T09:00", "record", "opener", fields={"visited_on": "2026-03-04", "way": "上门走访"})
    visit.act("2026-03-04T09:10", "find_hazard", "opener", child={"case": "YH1", "type": "hazard"})
    assert offered(visit, "opener")["close"] == ("由它引出的事项还有 1 件没有办结。",)
    with pytest.raises(Refusal, match="1 件没有办结"):
        visit.act("2026-03-04T09:20", "close", "opener")

    hazard = Book(load("hazard")).open(
        "2026-03-04T09:10", "opener", kind="air", fields={"title": "活性炭饱和", "severity": "一般"}
    )
    hazard.act("2026-03-04T09:30", "suggest", "opener", child={"case": "JY1", "type": "proposal"})
    hazard.act("2026-03-05T09:00", "order", "handler", child={"case": "ZG1", "type": "rectification"})
    assert len(offered(hazard, "handler")["strike_off"]) == 4
    hazard.act("2026-03-06T09:00", "child_closed", "site", child={"case": "JY1", "phase": "closed"})

    rectification = Book(load("rectification")).open(
        "2026-03-05T09:00", "handler", kind="limited", fields={"title": "更换活性炭"}
    )
    with pytest.raises(Refusal, match="整改后照片"):
        rectification.act("2026-03-10T09:00", "report", "enterprise", fields={"measures": "已换炭"})
    with pytest.raises(Refusal, match="整改措施"):
        rectification.act("2026-03-10T09:00", "report", "enterprise", files=[photo("整改后照片")])
    rectification.act(
        "2026-03-10T09:00", "report", "enterprise", fields={"measures": "已换炭"}, files=[photo("整改后照片")]
    )
    rectification.act("2026-03-11T09:00", "accept", "handler")
    assert rectification.standing.phase == "closed"

    hazard.act("2026-03-11T09:00", "child_closed", "site", child={"case": "ZG1", "phase": "closed"})
    hazard.act("2026-03-11T10:00", "attach", "enterprise", files=[photo("整改后照片")])
    assert offered(hazard, "handler")["strike_off"] == ("还没有回访（办结的回访事项）。",)
    hazard.act("2026-03-12T09:00", "arrange_revisit", "handler", child={"case": "HF1", "type": "revisit"})
    hazard.act("2026-03-13T09:00", "child_closed", "site", child={"case": "HF1", "phase": "void"})
    with pytest.raises(Refusal, match="还没有回访"):  # it failed
        hazard.act("2026-03-13T10:00", "strike_off", "handler")
    hazard.act("2026-03-14T09:00", "arrange_revisit", "handler", child={"case": "HF2", "type": "revisit"})
    hazard.act("2026-03-16T09:00", "child_closed", "site", child={"case": "HF2", "phase": "closed"})
    assert offered(hazard, "handler")["strike_off"] == ()
    hazard.act("2026-03-16T10:00", "strike_off", "handler")
    assert (hazard.standing.state, hazard.standing.phase) == ("struck_off", "closed")
    assert {child.case: child.phase for child in hazard.standing.children.values()} == {
        "JY1": "closed", "ZG1": "closed", "HF1": "void", "HF2": "closed"
    }  # fmt: skip

    visit.act("2026-03-16T10:00", "child_closed", "site", child={"case": "YH1", "phase": "closed"})
    visit.act("2026-03-16T11:00", "close", "opener")
    assert visit.standing.phase == "closed"

    # It comes back: what was there before the reopening does not count again.
    hazard.act("2026-05-06T09:00", "reopen", "handler", note="又饱和了")
    assert offered(hazard, "handler")["strike_off"] == (
        "“下达整改”引出的事项还没有办结的。",
        "还没有回访（办结的回访事项）。",
        "还缺附件“整改后照片”。",
    )
    assert hazard.standing.clocks["strike_off"].started_on == date(2026, 5, 6)
    assert [clock.stopped_on for clock in hazard.standing.earlier] == [date(2026, 3, 16)]


# -- demands ---------------------------------------------------------------------------------------


def test_an_answer_is_confirmed_rated_and_reopened_in_time() -> None:
    book = answered()
    assert (book.standing.phase, book.standing.confirmed) == ("answered", False)
    assert book.standing.clocks["promised"].stopped_on == date(2026, 3, 5)
    book.act("2026-03-06T09:00", "confirm", "enterprise")
    assert (book.standing.phase, book.standing.confirmed) == ("closed", True)
    for rating in (0, 6, None, True, "5"):
        with pytest.raises(Refusal, match="1 到 5"):
            book.act("2026-03-07T09:00", "rate", "enterprise", rating=rating)
    book.act("2026-03-07T09:00", "rate", "enterprise", rating=2)
    assert book.standing.rating == 2
    # Closed on 6 March, within 30 days: 5 April is the last one.
    assert "reopen" in offered(book, "enterprise", now=at_noon("2026-04-05"))
    assert "reopen" not in offered(book, "enterprise", now=at_noon("2026-04-06"))
    with pytest.raises(Refusal, match="超过 30 天"):
        Book.act(book, "2026-04-06T00:00", "reopen", "enterprise", note="又来了")
    book.act("2026-04-05T23:59", "reopen", "enterprise", note="又来了")
    standing = book.standing
    assert (standing.state, standing.reopened, standing.rating, standing.confirmed) == (
        "handling",
        1,
        None,
        False,
    )
    assert standing.closed_at is None
    assert standing.clocks["redo"].running
    assert standing.organisation == 5


def at_noon(day: str) -> Any:
    from casebook import at

    return at(f"{day}T12:00")


def test_a_revisit_before_the_last_rectification_strikes_nothing_off() -> None:
    hazard = Book(load("hazard")).open(
        "2026-03-02T09:00", "opener", kind="air", fields={"title": "活性炭饱和", "severity": "一般"}
    )
    hazard.act("2026-03-02T10:00", "order", "handler", child={"case": "ZG1", "type": "rectification"})
    hazard.act("2026-03-03T09:00", "arrange_revisit", "handler", child={"case": "HF1", "type": "revisit"})
    hazard.act("2026-03-04T09:00", "child_closed", "site", child={"case": "HF1", "phase": "closed"})
    hazard.act("2026-03-09T09:00", "attach", "handler", files=[photo("整改后照片")])
    hazard.act("2026-03-10T09:00", "child_closed", "site", child={"case": "ZG1", "phase": "closed"})
    with pytest.raises(Refusal, match="“安排回访”引出的事项要在“下达整改”引出的事项办结以后"):
        hazard.act("2026-03-10T10:00", "strike_off", "handler")
    hazard.act("2026-03-11T09:00", "arrange_revisit", "handler", child={"case": "HF2", "type": "revisit"})
    hazard.act("2026-03-12T09:00", "child_closed", "site", child={"case": "HF2", "phase": "closed"})
    hazard.act("2026-03-12T10:00", "strike_off", "handler")
    assert hazard.standing.phase == "closed"


def test_a_demand_is_closed_without_the_enterprise_only_after_a_revisit() -> None:
    book = answered()
    with pytest.raises(Refusal, match="还没有回访"):
        book.act("2026-03-09T09:00", "close", "desk", note="电话回访")
    book.act("2026-03-09T09:00", "arrange_revisit", "desk", child={"case": 77, "type": "revisit"})
    book.act("2026-03-10T09:00", "child_closed", "site", child={"case": 77, "phase": "closed"})
    book.act("2026-03-10T09:30", "close", "desk", note="电话回访，企业认可")
    assert book.standing.phase == "closed"
    assert not book.standing.confirmed


def test_joint_handling_is_waited_for() -> None:
    book = handled()
    book.act(
        "2026-03-04T09:00",
        "joint",
        "handler",
        child=[{"case": "XB1", "type": "assist"}, {"case": "XB2", "type": "assist"}],
    )
    with pytest.raises(Refusal, match="2 件没有办结"):
        book.act("2026-03-05T09:00", "answer", "handler", note="已办", fields={"outcome": "已解决"})
    with pytest.raises(Refusal, match="已经记过"):
        book.act("2026-03-05T09:00", "joint", "handler", child={"case": "XB1", "type": "assist"})
    with pytest.raises(Refusal, match="不能引出"):
        book.act("2026-03-05T09:00", "joint", "handler", child={"case": "XB3", "type": "hazard"})
    with pytest.raises(Refusal, match="没有引出过"):
        book.act("2026-03-05T09:00", "child_closed", "site", child={"case": "XB3"})
    for name in ("XB1", "XB2"):
        book.act("2026-03-05T09:00", "child_closed", "site", child={"case": name, "phase": "closed"})
    book.act("2026-03-05T10:00", "answer", "handler", note="已办", fields={"outcome": "已解决"})


def test_a_confirmation_does_not_outlive_the_answer() -> None:
    text = """
        id = "two"
        name = "两步办结"
        english = "Two steps"
        prefix = "LB"
        subject = "enterprise"
        state = [
            { id = "in_hand", name = "在办", english = "In hand", phase = "open", waits_for = "handler" },
            { id = "answered", name = "待确认", english = "Answered", phase = "answered", waits_for = "enterprise" },
            { id = "closed", name = "办结", english = "Closed", phase = "closed", waits_for = "nobody" },
        ]
        opening = { state = "in_hand", by = ["desk"] }
        act = [
            { id = "answer", name = "答复", english = "Answer", from = ["in_hand"], to = "answered", by = ["handler"] },
            { id = "confirm", name = "确认", english = "Confirm", from = ["answered"], by = ["enterprise"], confirms = true },
            { id = "again", name = "重办", english = "Again", from = ["answered"], to = "in_hand", by = ["enterprise"] },
            { id = "close", name = "办结", english = "Close", from = ["answered"], to = "closed", by = ["desk"], needs = { confirmed = true } },
        ]
    """
    case_type, found = load_type(text)
    assert case_type is not None, found
    book = Book(case_type).open("2026-03-02T09:00", "desk").act("2026-03-02T10:00", "answer", "handler")
    with pytest.raises(Refusal, match="企业还没有确认"):
        book.act("2026-03-02T11:00", "close", "desk")
    book.act("2026-03-02T11:00", "confirm", "enterprise").act("2026-03-02T12:00", "again", "enterprise")
    book.act("2026-03-02T13:00", "answer", "handler")
    assert missing_for(case_type, book.standing, case_type.acts[3].needs)
    book.act("2026-03-02T14:00", "confirm", "enterprise").act("2026-03-02T15:00", "close", "desk")


def test_returns_count_and_clocks_start_anew() -> None:
    book = demand()
    with pytest.raises(Refusal, match="要写明理由"):
        book.act("2026-03-03T09:00", "return", "desk", note="  ")
    book.act("2026-03-03T09:00", "return", "desk", note="请补充地块位置")
    assert book.standing.returned == 1
    assert book.standing.clocks["acceptance"].stopped_on == date(2026, 3, 3)
    book.act("2026-03-05T09:00", "resubmit", "enterprise", fields={"detail": "补充如下"})
    assert book.standing.fields["detail"] == "补充如下"
    assert book.standing.clocks["acceptance"].started_on == date(2026, 3, 5)
    assert len(book.standing.earlier) == 1


def test_the_kind_sets_the_limits_and_may_be_put_right() -> None:
    book = demand()
    book.act("2026-03-03T09:00", "accept", "desk", kind="approval")
    assert (book.standing.kind, book.standing.clocks["promised"].limit) == ("approval", 7)
    book.act("2026-03-04T09:00", "assign", "desk", kind="land", organisation=3)
    assert (book.standing.clocks["promised"].limit, book.standing.clocks["legal"].limit) == (15, 30)
    assert book.standing.clocks["acceptance"].limit == 2  # it has ended
    with pytest.raises(Refusal, match="请选类别"):
        book.act("2026-03-04T10:00", "assign", "desk", kind="weather")


def test_fields_of_a_kind_are_asked_of_that_kind_only() -> None:
    asked = {field.id for field in load("demand").fields_at_opening("land")}
    assert "plot_area" in asked
    assert "workers" not in asked
    with pytest.raises(Refusal, match="用工人数"):
        demand(workers="3")


def test_merged_absorbed_split_and_urged() -> None:
    book = handled()
    book.act("2026-03-04T09:00", "urge", "enterprise").act(
        "2026-03-04T09:30", "urge", "leader", note="请抓紧"
    )
    book.act("2026-03-04T10:00", "split", "desk", cases=["SQ8", "SQ9"])
    book.act("2026-03-04T10:00", "absorb", "desk", cases=["SQ2"])
    standing = book.standing
    assert (standing.urged, standing.split, standing.absorbed) == (2, ("SQ8", "SQ9"), ("SQ2",))
    book.act("2026-03-04T11:00", "merge", "desk", cases=["SQ1"])
    assert (book.standing.phase, book.standing.merged_into) == ("void", "SQ1")
    assert all(
        clock.stopped_on == date(2026, 3, 4)
        for name, clock in book.standing.clocks.items()
        if name != "acceptance"
    )
    with pytest.raises(Refusal, match="已合并"):
        book.act("2026-03-05T09:00", "urge", "enterprise")
    revisit = Book(load("revisit")).open("2026-03-02T09:00", "desk", fields={"title": "一次"})
    with pytest.raises(Refusal, match="不能合并"):
        revisit.act("2026-03-03T09:00", "merge", "desk", cases=["HF1"])


def test_personal_values_never_stand_in_the_history_and_are_erased() -> None:
    with pytest.raises(Refusal, match="个人信息"):
        demand(phone="13800000000")
    book = demand(phone=True, contact=True)
    assert book.standing.fields["phone"] is True
    with pytest.raises(Refusal, match="不能"):
        book.act("2026-03-03T09:00", "erase", "site")
    book.act("2026-03-03T09:00", "refuse", "desk", note="不属本市")
    with pytest.raises(Refusal, match="写明理由"):
        book.act("2026-03-04T09:00", "erase", "leader")
    book.act("2029-03-04T09:00", "erase", "site")
    assert book.standing.erased
    assert set(book.standing.fields) == {"title", "detail"}


def test_escalation_is_kept() -> None:
    book = handled()
    book.act("2026-03-18T09:00", "escalate", "site", clock="promised", level=1)
    book.act("2026-03-24T09:00", "escalate", "site", clock="promised", level=2)
    assert (book.standing.level, book.standing.clocks["promised"].escalated) == (2, 2)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "part", "data", "word"),
    [
        ("accept", "enterprise", {}, "受理岗"),
        ("answer", "handler", {"note": "办了"}, "待受理"),
        ("accept", "desk", {"rating": 5}, "rating"),
        ("accept", "desk", {"secret": 1}, "secret"),
        ("accept", "desk", {"files": [{"label": "自拍", "name": "a", "sha256": "b"}]}, "自拍"),
        ("accept", "desk", {"files": ["a.jpg"]}, "摘要"),
        ("accept", "desk", {"files": "a.jpg"}, "列表"),
        ("accept", "desk", {"note": 5}, "文字"),
        ("note", "desk", {"note": " "}, "没有写内容"),
        ("attach", "desk", {}, "没有附件"),
        ("assign", "desk", {}, "交给哪个"),
        ("assign", "enterprise", {"organisation": 3}, "受理岗"),
        ("split", "desk", {"cases": []}, "哪一件"),
        ("child", "desk", {"child": {"case": None, "type": "revisit"}}, "哪一件"),
        ("recount", "site", {"clock": "acceptance", "fields": {"old": "2026-03-04"}}, "重算"),
        ("recount", "site", {"clock": "none"}, "时限"),
        ("warn", "site", {"clock": "promised", "level": 80}, "计时"),
        ("warn", "site", {"clock": "acceptance", "level": "80"}, "第几级"),
        ("warn", "desk", {"clock": "acceptance", "level": 80}, "系统"),
        ("resubmit", "enterprise", {"fields": {"source": "企业自报"}}, "待受理"),
    ],
)
def test_refusals_say_why_and_change_nothing(act: str, part: Any, data: dict[str, Any], word: str) -> None:
    book = demand()
    before = book.standing
    with pytest.raises(Refusal, match=word):
        book.act("2026-03-03T09:00", act, part, **data)
    assert book.standing is before
    assert len(book.events) == 1


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({}, "请选类别"),
        ({"kind": "land"}, "诉求事项、具体情况"),
        ({"kind": "land", "fields": {"title": "一", "detail": "二", "outcome": "已解决"}}, "办理结果"),
        ({"kind": "land", "fields": {"title": "一", "detail": "二", "plot_area": "三十"}}, "应是数字"),
        ({"kind": "land", "fields": {"title": "一", "detail": "二", "source": "梦见"}}, "企业自报"),
        ({"kind": "land", "fields": {"title": "字" * 300, "detail": "二"}}, "至多 200 字"),
        ({"kind": "land", "fields": [1]}, "一张表"),
    ],
)
def test_openings_that_are_refused(data: dict[str, Any], word: str) -> None:
    with pytest.raises(Refusal, match=word):
        Book(load("demand")).open("2026-03-02T09:00", **data)


def test_suspending_asks_for_one_of_the_reasons() -> None:
    book = handled()
    with pytest.raises(Refusal, match="等待企业补充材料"):
        book.act("2026-03-04T09:00", "suspend", "desk", note="等等看", reason="没空")
    book.act("2026-03-04T09:00", "suspend", "desk", note="等材料", reason="等待企业补充材料")
    assert book.standing.clocks["promised"].pauses[0].reason == "等待企业补充材料"


def test_refusals_are_said_in_english_too() -> None:
    cases = [
        ("accept", "enterprise", {}),
        ("answer", "handler", {}),
        ("assign", "desk", {"kind": "weather"}),
        ("return", "desk", {}),
    ]
    for act, part, data in cases:
        with pytest.raises(Refusal) as caught:
            demand().act("2026-03-03T09:00", act, part, **data)  # type: ignore[arg-type]
        said = caught.value.what.render("en")
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in said), said
    missing = offers(load("hazard"), found_hazard().standing, ["handler"])
    said = " ".join(each.render("en") for offer in missing for each in offer.missing)
    assert "Order rectification" in said


def found_hazard() -> Book:
    hazard = Book(load("hazard")).open(
        "2026-03-04T09:10", "opener", kind="air", fields={"title": "活性炭饱和", "severity": "一般"}
    )
    return hazard.act("2026-03-05T09:00", "order", "handler", child={"case": "ZG1", "type": "rectification"})


def test_the_second_editor_and_the_clock_that_goes_back_are_refused() -> None:
    book = handled()
    late = Event(3, book.events[-1].at, "note", Actor("desk"), {"note": "同时在写"})
    with pytest.raises(Refusal, match="第 4 步") as caught:
        take(book.case_type, book.standing, late, CALENDAR)
    assert caught.value.fix is not None
    with pytest.raises(Refusal, match="早于上一步"):
        book.act("2026-03-03T09:59", "note", "desk", note="时钟倒了")
    with pytest.raises(Refusal, match="已经登记过"):
        book.act("2026-03-04T09:00", "open", "desk")


def test_a_history_that_the_file_does_not_allow_is_broken() -> None:
    book = handled()
    gap = [book.events[0], book.events[2]]
    with pytest.raises(BrokenHistory) as caught:
        replay(book.case_type, gap, CALENDAR)
    assert caught.value.number == 3
    forged = Event(2, book.events[1].at, "confirm", Actor("enterprise"))
    with pytest.raises(BrokenHistory, match="第 2 步"):
        replay(book.case_type, [book.events[0], forged], CALENDAR)
    with pytest.raises(BrokenHistory, match="还没有登记"):
        replay(book.case_type, [], CALENDAR)


def test_a_file_that_comes_to_ask_for_more_breaks_no_history() -> None:
    """A city tightens its file; what was done before stays as it was, and is refused only if it were done today."""
    book = handled()
    book.act("2026-03-04T09:00", "suspend", "desk", note="等材料", reason="等待企业补充材料")
    book.act("2026-03-05T09:00", "resume", "handler")
    book.act(
        "2026-03-06T09:00",
        "answer",
        "handler",
        note="已办",
        fields={"outcome": "已解决"},
        files=[photo("办理结果")],
    )
    book.act("2026-03-07T09:00", "confirm", "enterprise").act(
        "2026-03-08T09:00", "rate", "enterprise", rating=5
    )
    text = (COMMON_CASES / "demand.toml").read_text("utf-8")
    for old, new in (
        ('choices = ["已解决", "部分解决", ', 'choices = ["办成", '),
        ('id = "source"\nname', 'id = "source"\nopening = "required"\nname'),
        ('"等待企业补充材料", ', ""),
        ('by = ["desk", "handler", "leader"]\nresumes', 'by = ["leader"]\nnote = "required"\nresumes'),
        ("needs = { children = true }", 'needs = { children = true, evidence = ["答复文书"] }'),
        (', "办理结果"]\n', "]\n"),
        (
            '\n[[kind]]\nid = "other"\nname = "其他"\nenglish = "Other"\n',
            '\n[[kind]]\nid = "more"\nname = "其他"\nenglish = "Other"\n',
        ),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    tightened, found = load_type(text)
    assert tightened is not None, found
    standing = replay(tightened, book.events, CALENDAR)
    assert standing == book.standing
    with pytest.raises(BrokenHistory):
        replay(tightened, book.events, CALENDAR, strict=True)
    with pytest.raises(Refusal, match="请选类别"):
        Book(tightened).open("2026-03-02T09:00", kind="other", fields={"title": "一事", "detail": "详情"})


# -- values and routes -----------------------------------------------------------------------------


def test_values_are_kept_exactly() -> None:
    case_type = load("demand")
    area, source, title = (case_type.field(name) for name in ("plot_area", "source", "title"))
    assert area is not None
    assert source is not None
    assert title is not None
    assert read_value(area, "１２.50") == "12.50"
    assert read_value(area, "1,234") == "1234"
    assert read_value(area, 30) == "30"
    assert read_value(area, "") is None
    assert read_value(title, " 一事 ") == "一事"
    amount = case_type.field("amount")
    assert amount is not None
    with pytest.raises(Refusal, match="负数"):
        read_value(amount, "-1")
    for wrong in ("nan", "1e999", "inf", "一百", [1], True):
        with pytest.raises(Refusal):
            read_value(area, wrong)
    visited = load("visit").field("visited_on")
    assert visited is not None
    assert read_value(visited, "2026-03-04") == "2026-03-04"
    with pytest.raises(Refusal, match="2026-01-31"):
        read_value(visited, "3月4日")
    flag = visited.model_copy(update={"type": "flag"})
    assert read_value(flag, False) is False
    with pytest.raises(Refusal, match="是"):
        read_value(flag, "是")


def test_kinds_are_routed_by_the_names_of_departments() -> None:
    names = ["某市财政局", "某市自然资源和规划局", "某市生态环境局", "某市地方金融管理局"]
    case_type = load("demand")
    assert route(case_type, "land", names) == "某市自然资源和规划局"
    assert route(case_type, "money", names) == "某市地方金融管理局"  # 金融 comes before 财政
    assert route(case_type, "labour", names) is None
    assert route(case_type, "nothing", names) is None


def test_prefixes_and_english_names_differ() -> None:
    types = shipped().values()
    assert len({case_type.prefix for case_type in types}) == len(types)
    assert len({case_type.english for case_type in types}) == len(types)
    assert load("demand").title("en") == "Enterprise demand"
    assert load("demand").title() == "企业诉求"


@pytest.mark.parametrize(("phase", "enough"), [("closed", True), ("void", False)])
def test_evidence_that_a_closed_case_brought_need_not_be_brought_again(phase: str, enough: bool) -> None:
    hazard = Book(load("hazard")).open(
        "2026-03-02T09:00", "opener", kind="air", fields={"title": "活性炭饱和", "severity": "一般"}
    )
    hazard.act("2026-03-02T10:00", "order", "handler", child={"case": "ZG1", "type": "rectification"})
    hazard.act(
        "2026-03-10T09:00",
        "child_closed",
        "site",
        child={"case": "ZG1", "phase": phase, "labels": ["整改后照片"]},
    )
    assert ("还缺附件“整改后照片”。" in offered(hazard, "handler")["strike_off"]) is not enough


def test_what_an_enterprise_sees_follows_from_its_part_unless_the_file_says_so() -> None:
    seen = {name for name, case_type in shipped().items() if case_type.shown_to_enterprise}
    assert {"demand", "proposal", "rectification", "hazard"} <= seen
    assert not {"supervision", "assist", "revisit"} & seen
