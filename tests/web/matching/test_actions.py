"""Deeds: what needs become by their introductions, demands that become needs, who is told, and sums that balance."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muheng.matching.money import WAN
from muheng.web.audit.actions import find_break
from muheng.web.audit.models import Entry
from muheng.web.casework.models import Case
from muheng.web.matching import figures
from muheng.web.matching.actions import credits as lending
from muheng.web.matching.actions.gatherings import (
    cancel_gathering,
    hand_out,
    hold_gathering,
    invite,
    plan_gathering,
    sign_in,
    unsign,
)
from muheng.web.matching.actions.introductions import advance, ask_for, introduce
from muheng.web.matching.actions.needs import (
    NeedTerms,
    change_need,
    end_need,
    file_need,
    need_from_case,
)
from muheng.web.matching.actions.suppliers import OfferTerms, add_supplier, add_tags, change_offer
from muheng.web.matching.figures import Span
from muheng.web.matching.models import Credit, CreditLine, Introduction, Need, Offer
from muheng.web.matching.queries import editors_of
from muheng.web.notices.models import Notice
from muheng.web.refusal import Refused
from web.matching.market import NOW, TODAY, Market
from web.population import Population


def refusal(deed: Any, *arguments: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        deed(*arguments, **named)
    return refused.value.what, refused.value.at


# -- needs and introductions -------------------------------------------------------------------------


def test_a_need_goes_as_its_introductions_go(market: Market) -> None:
    clerk, need = market.city.clerk, market.need
    row = introduce(clerk, need, market.loan)
    need.refresh_from_db()
    assert need.state == "talking"
    row = advance(clerk, row, "failed", note="抵押不足")
    need.refresh_from_db()
    assert need.state == "open"
    again = introduce(clerk, need, market.loan)
    again = advance(clerk, again, "contacted")
    again = advance(clerk, again, "agreed", amount=100 * WAN)
    need.refresh_from_db()
    assert need.state == "talking", "100 of 300"
    other = introduce(clerk, need, market.large, reason="银行愿意例外")
    other = advance(clerk, other, "agreed", amount=200 * WAN)
    need.refresh_from_db()
    market.loan.refresh_from_db()
    assert (need.state, market.loan.taken, market.loan.left) == ("met", 100 * WAN, 700 * WAN)
    advance(clerk, other, "failed", note="银行撤回")
    need.refresh_from_db()
    assert need.state == "talking"
    assert [step.state for step in again.steps.all()] == ["introduced", "contacted", "agreed"]


def test_steps_follow_each_other(market: Market) -> None:
    clerk, need = market.city.clerk, market.need
    row = introduce(clerk, need, market.loan, on=TODAY - timedelta(5))
    assert refusal(introduce, clerk, need, market.loan) == ("已经推介过这一供给。", "")
    assert refusal(introduce, clerk, need, market.workers) == ("需求和供给不是同一类。", "offer")
    assert refusal(advance, clerk, row, "asked")[0] == "现在是“已推介”，不能记为“企业申请”。"
    assert refusal(advance, clerk, row, "contacted", on=TODAY - timedelta(6)) == (
        "日期早于上一步的 2026-10-29。",
        "on",
    )
    assert refusal(advance, clerk, row, "contacted", on=TODAY + timedelta(1)) == (
        "日期 2026-11-04 还没有到。",
        "on",
    )
    assert refusal(advance, clerk, row, "failed") == ("“原因”没有填。", "note")
    assert refusal(advance, clerk, row, "agreed", amount=801 * WAN) == (
        "达成的数额超出供给的余量。",
        "amount",
    )
    assert refusal(advance, clerk, row, "contacted", version=9)[0] == "您打开之后，这一条已被改过。"
    assert row.steps.count() == 1


def test_what_is_agreed_with_one_is_not_left_for_another(market: Market) -> None:
    city = market.city
    second = file_need(city.clerk, city.enterprises[2], "finance", NeedTerms("买设备", amount=600 * WAN))
    for need, amount in ((market.need, 300 * WAN), (second, 500 * WAN)):
        advance(city.clerk, introduce(city.clerk, need, market.loan, reason="同意"), "agreed", amount=amount)
    third = file_need(city.clerk, city.enterprises[1], "finance", NeedTerms("周转", amount=1 * WAN))
    assert refusal(introduce, city.clerk, third, market.loan)[0] == "有 1 项条件不符合，仍要推介请写明原因。"
    market.loan.refresh_from_db()
    assert market.loan.left == 0
    terms = OfferTerms("技改贷", capacity=700 * WAN)
    assert refusal(change_offer, city.clerk, market.loan, terms) == (
        "总量不能少于已经达成的数额。",
        "capacity",
    )


def test_an_ended_need_ends_what_is_under_way(market: Market) -> None:
    row = introduce(market.city.clerk, market.need, market.loan)
    need = end_need(market.city.owner, market.need, "自筹解决", met=True)
    row.refresh_from_db()
    assert (need.state, row.state, row.steps.last().note) == ("met", "failed", "自筹解决")  # type: ignore[union-attr]
    assert refusal(change_need, market.city.owner, need, NeedTerms("改"))[0] == "这一需求已落实，不能再改。"
    assert refusal(introduce, market.city.clerk, need, market.large)[0] == "这一需求已落实。"


def test_reasons_stay_as_they_were_when_it_was_introduced(market: Market) -> None:
    row = introduce(market.city.clerk, market.need, market.loan)
    before = list(row.reasons)
    change_offer(market.city.clerk, market.loan, OfferTerms("技改贷", rate=999, capacity=800 * WAN))
    row.refresh_from_db()
    assert row.reasons == before
    rate = next(each for each in before if each["test"] == "rate" and each["side"] == "for")
    assert rate["zh"] == ["利率", "年利率 3.85%。"]
    assert rate["en"] == ["Rate", "The rate is 3.85% a year."]


def test_who_is_told(market: Market) -> None:
    city = market.city
    assert list(editors_of(city.enterprises[0])) == [city.county_clerk]
    assert (
        Notice.objects.filter(person=city.county_clerk, href=f"/matching/needs/{market.need.pk}/").count()
        == 1
    )
    row = ask_for(city.owner, market.need, market.loan)
    assert Notice.objects.filter(person=city.county_clerk, key=f"introduction:{row.pk}").exists()
    introduce(city.clerk, market.need, market.loan)
    told = Notice.objects.get(person=city.owner)
    assert told.href == f"/matching/introductions/{row.pk}/"
    assert not Notice.objects.filter(person=city.other_owner).exists()


def test_only_officials_of_the_place_and_the_enterprise_itself(market: Market) -> None:
    city = market.city
    terms = NeedTerms("要钱")
    for person in (city.other_owner, city.other_county_clerk, city.leader, city.data_clerk):
        with pytest.raises(Refused) as refused:
            file_need(person, city.enterprises[0], "finance", terms)
        assert refused.value.status == 403
    assert refusal(ask_for, city.clerk, market.need, market.loan)[0] == "只有本企业的账号可以申请。"
    with pytest.raises(Refused):
        add_supplier(city.county_clerk, "finance", "外地银行", keeper=city.root)
    with pytest.raises(Refused):
        add_tags(city.county_clerk, "finance", ["新标签"])


def test_tags_are_a_closed_list(market: Market) -> None:
    what = refusal(
        file_need, market.city.clerk, market.city.enterprises[0], "labour", NeedTerms("招人", tags=("焊接",))
    )
    assert what == ("没有“焊接”这个标签。", "tags")
    need = file_need(
        market.city.clerk, market.city.enterprises[0], "labour", NeedTerms("招人", amount=5, must=("焊工",))
    )
    assert [tag.name for tag in need.tags.all()] == ["焊工"], "what is a must is a tag"


def make_case(city: Population, kind: str, number: str = "SQ-2026-0001") -> Case:
    """A demand as casework would have it."""
    return Case.objects.create(
        number=number,
        type="demand",
        kind=kind,
        title="缺流动资金，希望帮助联系银行",
        enterprise=city.enterprises[0],
        county=city.counties[0],
        organisation=city.department,
        state="received",
        phase=Case.Phase.OPEN,
        version=1,
        opened_at=NOW,
        opened_on=TODAY,
    )


def test_a_demand_becomes_a_need_once(market: Market) -> None:
    city = market.city
    case = make_case(city, "money")
    need = need_from_case(city.county_clerk, case)
    assert (need.kind, need.title, need.case, need.case_number) == ("finance", case.title, case, case.number)
    assert refusal(need_from_case, city.county_clerk, case)[0] == "这一诉求已经转成供需需求。"
    other = make_case(city, "land", "SQ-2026-0002")
    assert refusal(need_from_case, city.county_clerk, other)[0] == "这一事项不是资金、技术或用工诉求。"


def test_deeds_are_in_the_book(market: Market) -> None:
    advance(market.city.clerk, introduce(market.city.clerk, market.need, market.loan), "agreed", amount=1)
    verbs = list(Entry.objects.filter(verb__startswith="matching.").values_list("verb", flat=True))
    assert verbs.count("matching.offer.add") == 3
    assert verbs[-2:] == ["matching.introduction.introduced", "matching.introduction.agreed"]
    assert find_break() is None


# -- credits -----------------------------------------------------------------------------------------


def grant(market: Market, number: int, granted: int, since: date, **more: Any) -> Credit:
    city = market.city
    return lending.grant_credit(
        city.clerk, city.enterprises[number], market.bank, granted, since=since, document="批复", **more
    )


def test_credit_out_of_an_introduction(market: Market) -> None:
    city = market.city
    row = introduce(city.clerk, market.need, market.loan)
    assert refusal(grant, market, 0, 5, TODAY, introduction=row)[0] == "这次对接还没有达成。"
    row = advance(city.clerk, row, "agreed")
    assert row.amount == 300 * WAN, "what was looked for"
    assert refusal(grant, market, 1, 5, TODAY, introduction=row)[1] == "introduction"
    credit = grant(market, 0, 300 * WAN, TODAY, introduction=row)
    assert refusal(grant, market, 0, 5, TODAY, introduction=row)[0] == "这次对接已经登记过授信。"
    assert refusal(advance, city.clerk, row, "failed", note="x")[0] == "已经据此授信，不能记为未达成。"
    lending.void_credit(city.clerk, credit, "金额写错")
    assert grant(market, 0, 200 * WAN, TODAY, introduction=row).introduction == row
    assert refusal(lending.lend, city.clerk, credit, 1, TODAY)[0] == "这笔授信已作废。"
    assert figures.totals(city.clerk, Span()).granted == 200 * WAN


def test_a_book_that_was_written_on_is_not_thrown_away(market: Market) -> None:
    clerk = market.city.clerk
    credit = grant(market, 0, 100, TODAY)
    assert refusal(grant, market, 0, 100, TODAY + timedelta(1)) == ("日期 2026-11-04 还没有到。", "since")
    assert refusal(grant, market, 0, 0, TODAY)[1] == "amount"
    lending.lend(clerk, credit, 100, TODAY)
    assert refusal(lending.void_credit, clerk, credit, "x")[0] == "这笔授信已有放款，不能作废。"
    assert refusal(lending.lend, clerk, credit, 1, TODAY)[1] == "reason"
    lending.lend(clerk, credit, 1, TODAY, reason="追加批复 3 号")
    lending.reverse_line(clerk, credit, 2, "重复登记")
    lending.reverse_line(clerk, credit, 1, "记错户")
    assert refusal(lending.reverse_line, clerk, credit, 1, "又")[1] == "of"
    credit.refresh_from_db()
    assert (credit.lent, credit.lines) == (0, 4)
    lending.void_credit(clerk, credit, "记错户")


DAYS = st.integers(0, 700).map(lambda days: date(2024, 12, 1) + timedelta(days))
DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["grant", "lend", "lend", "repay", "reverse", "void"]),
        st.integers(0, 11),
        st.integers(1, 900 * WAN),
        DAYS,
        st.integers(0, 5),
    ),
    max_size=14,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(DEEDS)
def test_ledgers_add_up_whatever_is_written(
    market: Market, written: list[tuple[str, int, int, date, int]]
) -> None:
    """By bank, by county and by month the same; by years too; the cached sums are the book's."""
    city = market.city
    with transaction.atomic():
        banks = [market.bank, add_supplier(None, "finance", "第二银行", keeper=city.root)]
        held: list[Credit] = []
        for act, number, amount, day, which in written:
            if act == "grant":
                enterprise = city.enterprises[number]
                bank = banks[number % 2]
                held.append(
                    lending.grant_credit(city.clerk, enterprise, bank, amount, since=day, document="批复")
                )
                continue
            if not held:
                continue
            credit = held[which % len(held)]
            try:
                with transaction.atomic():
                    if act == "lend":
                        lending.lend(city.clerk, credit, amount, day)
                    elif act == "repay":
                        lending.repay(city.clerk, credit, number % 3 + 1, amount // 3 + 1, day)
                    elif act == "reverse":
                        lending.reverse_line(city.clerk, credit, number % 4 + 1, "记错")
                    else:
                        lending.void_credit(city.clerk, credit, "记错")
            except Refused:
                pass
        _check_sums(market)
        transaction.set_rollback(True)


def _check_sums(market: Market) -> None:
    user = market.city.clerk
    live = list(Credit.objects.filter(voided_at=None))
    for credit in live:
        book = lending.book_of(credit)
        assert (credit.lent, credit.repaid, credit.left) == (book.lent, book.repaid, book.left)
        assert credit.outstanding >= 0
        assert credit.left >= 0, "nobody gave a reason"
    total = figures.totals(user, Span())
    assert total.granted == sum(credit.granted for credit in live)
    assert total.lent == sum(credit.lent for credit in live)
    assert total.repaid == sum(credit.repaid for credit in live)
    assert total.firms == len({credit.enterprise_id for credit in live})
    for rows in (
        figures.by_bank(user, Span()),
        figures.by_county(user, Span()),
        figures.by_month(user, Span()),
    ):
        for field in ("granted", "lent", "repaid", "outstanding"):
            assert sum(getattr(row, field) for row in rows) == getattr(total, field), field
    years = [figures.totals(user, Span(year)) for year in figures.years(user)]
    for field in ("granted", "lent", "repaid"):
        assert sum(getattr(row, field) for row in years) == getattr(total, field)
    places = [
        figures.totals(person, Span())
        for person in (market.city.county_clerk, market.city.other_county_clerk)
    ]
    assert sum(row.lent for row in places) == total.lent, "two counties make the city"


def test_the_articles_figures_come_out_exactly(market: Market) -> None:
    """23.22亿 granted and 11.88亿 lent: 51.2 % drawn."""
    from muheng.matching.money import read_money, show_money
    from muheng.web.matching.share import percent

    first = grant(market, 0, read_money("20亿") or 0, date(2023, 1, 5))
    second = grant(market, 1, read_money("3.22亿") or 0, date(2023, 2, 5))
    lending.lend(market.city.clerk, first, read_money("11.5亿") or 0, date(2023, 3, 1))
    lending.lend(market.city.clerk, second, read_money("0.38亿") or 0, date(2023, 3, 1))
    total = figures.totals(market.city.clerk, Span())
    assert (show_money(total.granted), show_money(total.lent)) == ("23.22 亿元", "11.88 亿元")
    assert percent(total.lent, total.granted) == "51.2"
    assert CreditLine.objects.count() == 2


# -- gatherings --------------------------------------------------------------------------------------


def test_reach_by_year_and_county(market: Market) -> None:
    city = market.city
    for day, host, guests, heads in (
        (date(2025, 5, 1), city.root, city.enterprises[:2], 30),
        (date(2026, 5, 1), city.root, city.enterprises, 50),
        (date(2026, 6, 1), city.counties[1], city.enterprises[8:10], 9),
    ):
        row = plan_gathering(city.clerk, "law", f"送法入企 {day}", on=day, place="园区", host=host)
        sign_in(city.clerk, row, guests)
        hand_out(city.clerk, row, "leaflet", "条例", 1000)
        hold_gathering(city.clerk, row, heads)
    cancelled = plan_gathering(city.clerk, "law", "取消的", on=date(2026, 7, 1), place="园区", host=city.root)
    cancel_gathering(city.clerk, cancelled, "台风")
    every = figures.reach(city.clerk, Span())
    assert (every.gatherings, every.heads, every.firms, every.visits, every.materials) == (
        3,
        89,
        12,
        16,
        3000,
    )
    years = [(row.title, row.gatherings, row.visits) for row in figures.reach_by_year(city.clerk)]
    assert years == [("2026", 2, 14), ("2025", 1, 2)]
    counties = {row.title: row for row in figures.reach_by_county(city.clerk, Span(2026))}
    assert (counties["东山区"].gatherings, counties["东山区"].firms, counties["东山区"].visits) == (0, 7, 7)
    assert (counties["西湖县"].gatherings, counties["西湖县"].heads, counties["西湖县"].visits) == (1, 9, 7)
    assert (counties["全市性"].heads, counties["全市性"].materials) == (50, 1000)
    assert sum(row.heads for row in counties.values()) == figures.reach(city.clerk, Span(2026)).heads
    assert sum(row.visits for row in counties.values()) == 14


def test_guests_once_and_not_before_the_day(market: Market) -> None:
    city = market.city
    row = plan_gathering(city.clerk, "salon", "沙龙", on=TODAY, place="园区", host=city.counties[0])
    assert row.county == city.counties[0]
    assert invite(city.county_clerk, row, city.enterprises[:3]) == 3
    assert invite(city.county_clerk, row, city.enterprises[:4]) == 1
    assert refusal(invite, city.county_clerk, row, city.enterprises[6:9])[1] == "enterprises"
    assert sign_in(city.county_clerk, row, [city.enterprises[0], city.enterprises[5]], persons=2) == 2
    assert sign_in(city.county_clerk, row, [city.enterprises[0]]) == 0
    assert refusal(hold_gathering, city.county_clerk, row, 3) == ("到场 3 人，少于签到的 4 人。", "heads")
    unsign(city.county_clerk, row, city.enterprises[5])
    assert row.attendances.count() == 4, "who was not invited and did not come is not there"
    assert refusal(unsign, city.county_clerk, row, city.enterprises[5])[0] == "这家企业没有签到。"
    later = plan_gathering(city.clerk, "salon", "下次", on=TODAY + timedelta(9), place="园区", host=city.root)
    assert refusal(sign_in, city.clerk, later, [city.enterprises[0]])[0] == "日期 2026-11-12 还没有到。"
    assert refusal(hold_gathering, city.clerk, later, 5)[0] == "日期 2026-11-12 还没有到。"
    with pytest.raises(Refused):
        hold_gathering(city.county_clerk, later, 5)
    assert Notice.objects.filter(person=city.owner, key=f"gathering:{row.pk}").count() == 1


def test_history_can_be_written_down_as_it_was(market: Market) -> None:
    """For taking over years before: deeds as of a day that has passed."""
    then = datetime(2023, 3, 1, 2, 0, tzinfo=UTC)
    city = market.city
    need = file_need(None, city.enterprises[0], "finance", NeedTerms("旧需求"), at=then)
    row = introduce(None, need, market.loan, at=then)
    row = advance(None, row, "agreed", amount=5, at=then + timedelta(3))
    credit = lending.grant_credit(
        None,
        city.enterprises[0],
        market.bank,
        5,
        since=date(2023, 3, 4),
        document="旧",
        introduction=row,
        at=then + timedelta(4),
    )
    line = lending.lend(None, credit, 5, date(2023, 3, 5), at=then + timedelta(5))
    need.refresh_from_db()
    assert (need.state, need.closed_at, line.at) == ("met", then + timedelta(3), then + timedelta(5))
    assert isinstance(Introduction.objects.get(pk=row.pk).changed_on, date)
    assert Need.objects.count() == 2
    assert Offer.objects.get(pk=market.loan.pk).taken == 5
