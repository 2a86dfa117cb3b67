"""Ranking: what each rule says of a pair, worked by hand; the order of offers is no matter, a failure never helps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muheng.matching.money import WAN
from muheng.matching.ranking import Candidate, assess, rank, rank_needs
from muheng.matching.rules import Rules, load_document, load_rules
from muheng.matching.terms import EnterpriseFacts, Need, Offer, Place

TODAY = date(2026, 3, 2)
EAST, WEST = Place("3", "东山区"), Place("4", "西湖县")
RULES, _ = load_rules()
FINANCE = RULES["finance"]
FACTS = EnterpriseFacts(
    TODAY,
    {"county": (EAST,), "township": (Place("5", "河口镇"),)},
    "3411",
    "B",
    frozenset({"专精特新"}),
)
NEED = Need("n", "finance", 800 * WAN, 24, 450, TODAY + timedelta(20), frozenset({"信用贷", "技改"}))
OFFER = Offer("o", "finance")


def against(offer: Offer, need: Need = NEED, facts: EnterpriseFacts = FACTS) -> list[str]:
    return [f"{each.name}：{each.what}" for each in assess(need, offer, FINANCE, facts).against]


def asked(offer: Offer, need: Need = NEED, facts: EnterpriseFacts = FACTS) -> list[str]:
    return [f"{each.name}：{each.what}" for each in assess(need, offer, FINANCE, facts).open]


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"regions": (WEST,)}, "服务区域：只服务西湖县，企业在东山区。"),
        ({"industries": frozenset({"C26", "33"})}, "适用行业：只对行业 33、C26，企业是 3411。"),
        ({"most": 500 * WAN}, "授信金额：需要 800 万元，最多 500 万元，多出 300 万元。"),
        ({"least": 1000 * WAN}, "授信金额：需要 800 万元，至少 1,000 万元，还差 200 万元。"),
        ({"left": 799 * WAN + 1}, "剩余额度：需要 800 万元，只剩 799.000001 万元，差 0.999999 万元。"),
        ({"left": 0}, "剩余额度：已经没有余量。"),
        ({"grades": frozenset({"A"})}, "评价等级：只对 A 类企业，企业是 B 类。"),
        ({"statuses": frozenset({"绿色工厂"})}, "企业称号：须有 绿色工厂 之一，企业没有。"),
        ({"months": 12}, "贷款期限：需要 24 个月，最长 12 个月，差 12 个月。"),
        ({"rate": 485}, "利率上限：年利率 4.85%，须不超过 4.5%，高 0.35 个百分点。"),
        ({"lead_days": 30}, "办理时间：要 30 天才能办好，20 天之内要，晚 10 天。"),
        ({"since": TODAY + timedelta(3)}, "产品有效期：2026-03-05 起才有效，还有 3 天。"),
        ({"until": TODAY - timedelta(1)}, "产品有效期：2026-03-01 已到期，过了 1 天。"),
    ],
)
def test_a_hard_condition_says_by_how_much_it_is_missed(terms: dict[str, Any], said: str) -> None:
    assert against(replace(OFFER, **terms)) == [said]


@pytest.mark.parametrize(
    "terms",
    [
        {"regions": (EAST, WEST)},
        {"industries": frozenset({"C"})},
        {"industries": frozenset({"C34"})},
        {"industries": frozenset({"341"})},
        {"most": 800 * WAN, "least": 800 * WAN, "left": 800 * WAN},
        {"grades": frozenset({"A", "B"})},
        {"statuses": frozenset({"绿色工厂", "专精特新"})},
        {"months": 24},
        {"rate": 450},
        {"lead_days": 20},
        {"since": TODAY, "until": TODAY},
    ],
)
def test_at_its_bound_a_condition_holds(terms: dict[str, Any]) -> None:
    assert against(replace(OFFER, **terms)) == []


def test_what_is_a_must_has_to_be_there() -> None:
    need = replace(NEED, must=frozenset({"免抵押", "技改"}))
    assert against(replace(OFFER, tags=frozenset({"技改"})), need) == ["必备要求：缺少必须有的：免抵押。"]


def test_what_is_not_known_is_asked_or_fails_as_the_file_says() -> None:
    facts = EnterpriseFacts(TODAY)
    offer = replace(
        OFFER,
        regions=(EAST,),
        industries=frozenset({"34"}),
        grades=frozenset({"A"}),
        statuses=frozenset({"绿色工厂"}),
    )
    assert against(offer, facts=facts) == ["企业称号：企业有哪些称号不清楚；须有 绿色工厂 之一。"]
    assert asked(offer, facts=facts) == [
        "服务区域：不知道企业在哪里；只服务东山区。",
        "适用行业：企业的行业没有登记；只对行业 34。",
        "评价等级：企业还没有评价等级；只对 A 类企业。",
        "利率上限：没有写利率；须不超过 4.5%。",
        "办理时间：没有写几天能办好；20 天之内要。",
    ]
    bare = Need("n", "finance")
    assert asked(replace(OFFER, most=100 * WAN, left=50 * WAN, months=6), bare) == [
        "授信金额：需求没有写数额，须与企业商定。",
        "剩余额度：需求没有写数额；还剩 50 万元。",
        "贷款期限：需求没有写期限；最长 6 个月。",
    ]


def test_a_day_that_has_passed_fails() -> None:
    need = replace(NEED, wanted_by=TODAY - timedelta(2))
    assert against(replace(OFFER, lead_days=1), need) == ["办理时间：需要的日子 2026-02-28 已过 2 天。"]


def test_points_are_told_one_by_one() -> None:
    offer = replace(
        OFFER,
        tags=frozenset({"信用贷", "技改", "绿色"}),
        industries=frozenset({"C34", "341"}),
        rate=385,
        lead_days=10,
        places={"county": (EAST,)},
    )
    found = assess(NEED, offer, FINANCE, FACTS)
    assert [(each.name, each.points) for each in found.reasons] == [
        ("标签相符", 20),
        ("行业专长", 12),
        ("就近服务", 8),
        ("亩均评价", 10),
        ("重点培育企业", 5),
        ("利率", 10),
        ("办理快慢", 5),
        ("需求急迫", 6),
    ]
    assert found.points == 76
    assert found.missed == ()
    assert str(found.reasons[1].what) == "专做行业 341，企业是 3411（前 3 位相同）。"
    assert (
        found.reasons[1].what.render("en")
        == "Specialises in industry 341; the enterprise's is 3411 (same first 3 digits)."
    )


def test_what_gets_no_points_is_told_why() -> None:
    found = assess(Need("n", "finance"), OFFER, FINANCE, EnterpriseFacts(TODAY))
    assert found.points == 0
    assert [str(each.what) for each in found.missed] == [
        "没有相同的标签。",
        "没有指明服务的行业。",
        "供方所在地没有登记。",
        "企业还没有评价等级。",
        "企业有哪些称号不清楚。",
        "没有写利率。",
        "没有写几天能办好。",
        "没有写什么时候要。",
    ]


def test_a_citys_limit_is_kept_beside_the_offers() -> None:
    rules, found = load_document(
        'id = "x"\nkind = "labour"\nname = "用工"\nenglish = "Labour"\nsource = "示例"\nties = ["id"]\n'
        '[[condition]]\nname = "人数"\nenglish = "Headcount"\ntest = "amount"\nunknown = "fail"\nmost = 50\n'
        '[[condition]]\nname = "期限"\nenglish = "Term"\ntest = "term"\nunknown = "fail"\nmost = 6\n'
        '[[condition]]\nname = "等级"\nenglish = "Grade"\ntest = "grade"\nunknown = "fail"\nonly = ["A", "B"]\n'
        '[[condition]]\nname = "称号"\nenglish = "Status"\ntest = "status"\nunknown = "fail"\nany = ["高新技术企业"]\n'
        '[[condition]]\nname = "行业"\nenglish = "Industry"\ntest = "industry"\nunknown = "fail"\nonly = ["C33"]\n'
    )
    assert rules is not None, found
    need = Need("n", "labour", 80, 12)
    facts = replace(FACTS, grade="C")
    assert [str(each.what) for each in assess(need, Offer("o", "labour", most=60), rules, facts).against] == [
        "需要 80 人，最多 50 人，多出 30 人。",
        "需要 12 个月，最长 6 个月，差 6 个月。",
        "只对 A、B 类企业，企业是 C 类。",
        "须有 高新技术企业 之一，企业没有。",
        "只对行业 C33，企业是 3411。",
    ]
    unsaid = assess(Need("n", "labour"), Offer("o", "labour"), rules, facts)
    assert "需求没有写数额，须与企业商定。" in [str(each.what) for each in unsaid.against]


def test_offers_of_another_kind_are_left_out() -> None:
    assert [each.offer for each in rank(NEED, [OFFER, Offer("t", "technology")], FINANCE, FACTS)] == ["o"]


def test_equal_points_are_ordered_as_the_file_says_and_end_at_the_id() -> None:
    offers = [
        Offer("c", "finance", rate=480),
        Offer("b", "finance", rate=470),
        Offer("e", "finance", rate=470, left=900 * WAN),
        Offer("d", "finance", rate=470, left=1900 * WAN),
        Offer("a", "finance"),
    ]
    need = Need("n", "finance", 1 * WAN)
    assert [each.offer for each in rank(need, offers, FINANCE, EnterpriseFacts(TODAY))] == [
        "d",
        "e",
        "b",
        "c",
        "a",
    ]


def test_needs_are_ranked_for_an_offer_the_same_way() -> None:
    needs = [
        replace(NEED, id="late", wanted_by=TODAY + timedelta(50)),
        replace(NEED, id="soon", wanted_by=TODAY + timedelta(10)),
        replace(NEED, id="large", amount=9000 * WAN),
    ]
    offer = replace(OFFER, most=1000 * WAN)
    found = rank_needs(offer, needs, FINANCE, {need.id: FACTS for need in needs})
    assert [(each.need, each.place) for each in found] == [("soon", 1), ("late", 2), ("large", 0)]
    for need, one in zip(
        sorted(needs, key=lambda each: each.id), sorted(found, key=lambda each: each.need), strict=True
    ):
        assert assess(need, offer, FINANCE, FACTS) == replace(one, place=0)


# -- properties ----------------------------------------------------------------------------------------

tags = st.frozensets(st.sampled_from(["信用贷", "技改", "绿色", "免抵押"]))
amounts = st.none() | st.integers(0, 3000).map(lambda wan: wan * WAN)
grades = st.frozensets(st.sampled_from("ABCD"), max_size=3)
days = st.none() | st.integers(-40, 90).map(lambda days: TODAY + timedelta(days))
places = st.lists(st.sampled_from([EAST, WEST]), max_size=2, unique=True).map(tuple)


@st.composite
def offer_lists(draw: st.DrawFn) -> list[Offer]:
    many = draw(st.integers(1, 7))
    return [
        Offer(
            f"o{number}",
            "finance",
            draw(amounts),
            draw(amounts),
            draw(amounts),
            draw(st.none() | st.integers(1, 60)),
            draw(st.none() | st.integers(200, 900)),
            draw(st.none() | st.integers(0, 60)),
            draw(days),
            draw(days),
            draw(places),
            draw(st.frozensets(st.sampled_from(["C", "C34", "341", "26"]), max_size=2)),
            draw(grades),
            draw(st.frozensets(st.sampled_from(["专精特新", "绿色工厂"]), max_size=2)),
            draw(tags),
            {"county": draw(places)},
        )
        for number in range(many)
    ]


need_values = st.builds(
    Need,
    st.just("n"),
    st.just("finance"),
    amounts,
    st.none() | st.integers(1, 60),
    st.none() | st.integers(200, 900),
    days,
    tags,
    tags,
)
facts_values = st.builds(
    EnterpriseFacts,
    st.just(TODAY),
    st.fixed_dictionaries({"county": places}),
    st.none() | st.sampled_from(["3411", "2611", "34"]),
    st.none() | st.sampled_from("ABCD"),
    st.none() | st.frozensets(st.sampled_from(["专精特新", "绿色工厂"])),
)


def plain(found: tuple[Candidate, ...]) -> list[tuple[str, int, int]]:
    return [(each.offer, each.place, each.points) for each in found]


@given(need_values, offer_lists(), facts_values, st.randoms(use_true_random=False))
def test_the_order_of_offers_is_no_matter(
    need: Need, offers: list[Offer], facts: EnterpriseFacts, chance: Any
) -> None:
    once = rank(need, offers, FINANCE, facts)
    chance.shuffle(offers)
    assert rank(need, offers, FINANCE, facts) == once


@given(need_values, offer_lists(), facts_values)
def test_every_offer_is_told_every_rule(need: Need, offers: list[Offer], facts: EnterpriseFacts) -> None:
    found = rank(need, offers, FINANCE, facts)
    assert sorted(each.offer for each in found) == sorted(offer.id for offer in offers)
    rules = [rule.name for rule in FINANCE.points]
    for each in found:
        assert sorted(reason.name for reason in (*each.reasons, *each.missed)) == sorted(rules)
        assert each.points == sum(reason.points for reason in each.reasons)
        assert bool(each.against) == (each.place == 0)
    assert [each.place for each in found if each.fits] == list(range(1, sum(each.fits for each in found) + 1))
    keys = [(len(each.against), -each.points) for each in found]
    assert keys == sorted(keys)


FAILING = [
    {"left": 0},
    {"until": TODAY - timedelta(1)},
    {"since": TODAY + timedelta(1)},
]


@given(need_values, offer_lists(), facts_values, st.sampled_from(FAILING))
def test_a_failing_condition_more_never_ranks_higher(
    need: Need, offers: list[Offer], facts: EnterpriseFacts, terms: dict[str, Any]
) -> None:
    before = [each.offer for each in rank(need, offers, FINANCE, facts)]
    one = replace(offers[0], **terms)
    after = [each.offer for each in rank(need, [one, *offers[1:]], FINANCE, facts)]
    assert after.index("o0") >= before.index("o0")


def with_condition(rules: Rules, text: str) -> Rules:
    """The rules with one condition more."""
    more, found = load_document(
        'id = "x"\nkind = "finance"\nname = "x"\nenglish = "x"\nsource = "x"\nties = ["id"]\n' + text
    )
    assert more is not None, found
    conditions = (*rules.conditions, *more.conditions)
    return Rules(rules.document.model_copy(update={"condition": conditions}))


@given(need_values, offer_lists(), facts_values)
def test_a_rule_more_that_it_fails_never_lifts_an_offer_over_one_that_keeps_it(
    need: Need, offers: list[Offer], facts: EnterpriseFacts
) -> None:
    stricter = with_condition(
        FINANCE,
        '[[condition]]\nname = "封顶"\nenglish = "Cap"\ntest = "rate"\nunknown = "pass"\nmost = 4\n',
    )
    before = [each.offer for each in rank(need, offers, FINANCE, facts)]
    found = rank(need, offers, stricter, facts)
    after = [each.offer for each in found]
    failed = {each.offer for each in found if any(reason.name == "封顶" for reason in each.against)}
    for one in failed:
        for other in set(after) - failed:
            if before.index(other) < before.index(one):
                assert after.index(other) < after.index(one)
