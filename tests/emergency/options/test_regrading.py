"""What a better grade would spare an enterprise, by hand."""

from __future__ import annotations

from emergency.options.t1_list import WAN, common_settings, kilograms, t1_list
from muheng.emergency.grading import save_by_grade
from muheng.emergency.inventory.model import Firm, Inventory, Level, Line
from muheng.emergency.norms import load_norms
from muheng.emergency.regrading import lose_with_grade

Prices = dict[Level, tuple[float, float, float, float]]
FREE: Prices = {"yellow": (0, 0, 0, 0), "orange": (0, 0, 0, 0), "red": (0, 0, 0, 0)}


def test_d_stands_c_need_not_a_never() -> None:
    # VOCs at 400 yuan: 160 kg are worth 64,000, a stop of the coating shop loses 50,000.
    prices: Prices = {"yellow": (0, 0, 0, 100.0), "orange": (0, 0, 0, 400.0)}
    settings = common_settings()
    found = {grade: lose_with_grade(t1_list(), settings, None, prices, "F5", grade) for grade in "DCA"}
    assert found == {
        "D": {"yellow": 5 * WAN, "orange": 5 * WAN},
        "C": {"yellow": 0, "orange": 5 * WAN},
        "A": {"yellow": 0, "orange": 0},
    }
    saving = save_by_grade({"yellow": 6, "orange": 3}, found["D"], found["C"])
    assert saving.total == 30 * WAN


def test_norms_count_where_the_settings_follow_them() -> None:
    norms, _found = load_norms()
    settings = common_settings()
    settings = settings.model_copy(
        update={"execution": settings.execution.model_copy(update={"norms": True})}
    )
    losses = {grade: lose_with_grade(t1_list(), settings, norms, FREE, "F2", grade) for grade in "CB"}
    assert list(losses["C"].values()) == [27 * WAN // 10, 45 * WAN // 10, 9 * WAN]
    assert list(losses["B"].values()) == [0, 27 * WAN // 10, 45 * WAN // 10]


def test_levels_stay_nested() -> None:
    # Dear at yellow, worthless at orange: what stops at yellow does not start again.
    firm = Firm("F0", "示例企业0", "甲县")
    line = Line("F0-1", "F0", "0号线", daily=kilograms((100, 0, 0, 0)), stop_loss=WAN)
    prices: Prices = {"yellow": (1000.0, 0, 0, 0), "orange": (0, 0, 0, 0)}
    found = lose_with_grade(Inventory("示例", (firm,), (line,)), common_settings(), None, prices, "F0", "C")
    assert found == {"yellow": WAN, "orange": WAN}
