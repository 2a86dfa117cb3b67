"""Published distributions come out of synthetic rosters of the same size, where a quota rule determines them.

That a rule reproduces a list does not prove that the place used it; where grades were moved by hand, the test
moves as many and says so. Figures: the places' own public notices.
"""

from __future__ import annotations

import pytest
from small_policies import graded, marks, policy, run

LIFTS = """
[[regrade]]
name = "定档调档"
when = "有('提档')"
then = "提 1 档"
"""
TAGS = '标签 = { type = "标签", missing = "视为缺" }'
EXEMPT = """
[[exempt]]
name = "不适合评价"
when = "有('不适合评价')"
then = "T"
"""


def roster(count: int) -> dict[str, dict[str, object]]:
    """``count`` enterprises, 企业1 the best."""
    return marks(*range(count, 0, -1))


@pytest.mark.parametrize(
    ("place", "count", "b", "expected"),
    [
        ("巢湖 2021", 120, "65%", {"A": 24, "B": 54, "C": 36, "D": 6}),
        ("济宁高新区 三亩以上规下 2023", 100, "60%", {"A": 20, "B": 40, "C": 35, "D": 5}),
    ],
)
def test_shares_that_are_whole_numbers(place: str, count: int, b: str, expected: dict[str, int]) -> None:
    rule = graded(quota=f'{{ A = "20%", B = "{b}", C = "95%", D = "100%" }}')
    assert run(policy(grading=rule), roster(count)).counts == expected, place


JINING_BEST, JINING_TENS = 275, 10


def jining(threshold: int) -> dict[str, int]:
    """A and D by share of all on the list, T included; between them a score decides."""
    rule = graded(
        quota=f'{{ A = "20%", B = ">= {threshold}分", C = "95%", D = "100%" }}',
        round='{ A = "四舍五入", D = "进一" }',
        counted='["参评", "T"]',
    )
    rows = roster(JINING_BEST)
    # T stand anywhere in the list; here every 25th.
    for at in range(25, 25 * JINING_TENS + 1, 25):
        rows[f"企业{at}"]["标签"] = "不适合评价"
    found = run(policy(EXEMPT, inputs=TAGS, grading=rule), rows)
    return {"T" if letter == "无" else letter: many for letter, many in found.counts.items()}


def test_jining_hightech_large_2023() -> None:
    """A = 55 = 20 % of 275 (of 265 it would be 53), D = 14 = 5 % of 275 rounded up, 10 T."""
    found = jining(threshold=118)
    assert (found["A"], found["D"], found["T"]) == (55, 14, 10)
    # The line between B and C is not published; some line parts them as published.
    assert found == {"A": 55, "B": 97, "C": 99, "D": 14, "T": 10}


def test_jining_if_only_the_rated_were_counted() -> None:
    rule = graded(
        quota='{ A = "20%", B = "55%", C = "95%", D = "100%" }',
        round='{ A = "四舍五入", B = "舍去", D = "进一" }',
    )
    found = run(policy(grading=rule), roster(265)).counts
    assert (found["A"], found["D"]) == (53, 14)


def test_tongling_2021() -> None:
    """755: 20 % = 151, so A = 154 is three lifted; A and B to 65 % = 491, four lifted from C; D = 5 %."""
    rule = graded(
        quota='{ A = "20%", B = "65%", C = "95%", D = "100%" }',
        round='{ A = "四舍五入", B = "四舍五入", D = "舍去" }',
    )
    text = policy(LIFTS, inputs=TAGS, grading=rule)
    rows = roster(755)
    assert run(text, rows).counts == {"A": 151, "B": 340, "C": 227, "D": 37}
    for at in (160, 200, 300, 500, 550, 600, 700):
        rows[f"企业{at}"]["标签"] = "提档"
    found = run(text, rows)
    assert found.counts == {"A": 154, "B": 341, "C": 223, "D": 37}
    assert found.moves("企业160") == ["定档调档"]


def test_tiantai_2022() -> None:
    """1,248: D = 100 is 8 %, and A = 134 is 10 % (125) with nine lifted."""
    rule = graded(
        quota='{ A = "10%", B = "45%", C = "92%", D = "100%" }',
        round='{ A = "四舍五入", B = "四舍五入", D = "四舍五入" }',
    )
    text = policy(LIFTS, inputs=TAGS, grading=rule)
    rows = roster(1248)
    found = run(text, rows).counts
    assert (found["A"], found["D"]) == (125, 100)
    for at in range(130, 139):
        rows[f"企业{at}"]["标签"] = "提档"
    found = run(text, rows).counts
    assert (found["A"], found["D"]) == (134, 100)


def test_a_list_of_507_in_2018() -> None:
    """A = 76 = 15 %, A and B = 381 = 75 % rounded up, D = 25 = 5 % with one lifted to C."""
    rule = graded(
        quota='{ A = "15%", B = "75%", C = "95%", D = "100%" }',
        round='{ A = "四舍五入", B = "进一", D = "舍去" }',
    )
    text = policy(LIFTS, inputs=TAGS, grading=rule)
    rows = roster(507)
    assert run(text, rows).counts == {"A": 76, "B": 305, "C": 101, "D": 25}
    rows["企业490"]["标签"] = "提档"
    assert run(text, rows).counts == {"A": 76, "B": 305, "C": 102, "D": 24}


def test_lishui_2019_by_score() -> None:
    """942: A 258, B 534, C 135, D 15: shares of no round number; score lines give any of them exactly."""
    rule = graded(quota='{ A = ">= 685分", B = ">= 151分", C = ">= 16分", D = "100%" }', round="{}")
    assert run(policy(grading=rule), roster(942)).counts == {"A": 258, "B": 534, "C": 135, "D": 15}
