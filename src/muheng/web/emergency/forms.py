"""The form in which the settings of one plan are changed; what it says becomes a text of settings, which is checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from muheng.emergency.plan.problem import LEVELS, POLLUTANTS
from muheng.emergency.settings import Settings, read_settings
from muheng.web.emergency.settings_text import change_settings
from muheng.web.emergency.wording import LEVEL_TITLES
from muheng.web.refusal import Refused

_MOST = 12
"""Characters of a number in the form."""


@dataclass(frozen=True)
class Asked:
    """One field: its name in the form, the key that it changes, what it holds now."""

    name: str
    title: str
    value: str
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    hint: str = ""
    check: bool = False


def settings_fields(settings: Settings) -> dict[str, Any]:
    """The fields with what the settings say, for the template."""
    ratio, fairness, execution = settings.ratio, settings.fairness, settings.execution
    return {
        "ratios": [
            {
                "level": level,
                "title": LEVEL_TITLES[level],
                "fields": [
                    (f"{level}_{pollutant}", pollutant, _plain(getattr(getattr(ratio, level), pollutant)))
                    for pollutant in POLLUTANTS
                ],
            }
            for level in LEVELS
        ],
        "rules": [
            Asked(
                "base",
                _("比例以什么为基数"),
                ratio.base,
                (
                    ("all_society", _("全社会日排放量")),
                    ("industry", _("工业源日排放量")),
                    ("controlled_firms", _("管控企业日排放量")),
                ),
            ),
            Asked(
                "filed",
                _("已备案的一厂一策"),
                execution.filed,
                (
                    ("bind", _("照此执行，只优化其余")),
                    ("preferred", _("损失相当时少改动")),
                    ("ignored", _("不看，重新安排")),
                ),
            ),
            Asked("pooling", _("SO2 与 NOx 可互相折抵，只看比例之和"), _yes(ratio.pooling), check=True),
            Asked("whole_lines", _("有几条线的企业整条停线"), _yes(execution.whole_lines), check=True),
            Asked("norms", _("执行按行业和等级规定的最低措施"), _yes(execution.norms), check=True),
            Asked("grade_order", _("同行业中绩效好的不比差的减得多"), _yes(fairness.grade_order), check=True),
        ],
        "fairness": [
            Asked("county_share", _("每个县区至少达到全市力度的"), _plain(fairness.county_share), unit="%"),
            Asked("firm_cap", _("一家企业一天最多损失日产值的"), _plain(fairness.firm_cap), unit="%"),
            Asked("band", _("为同类更均衡最多多付"), _plain(fairness.band), unit="%"),
            Asked(
                "rotation",
                _("轮换：已承担一天，再安排时多算几倍"),
                _plain(fairness.rotation),
                hint=_("0 为不轮换。"),
            ),
        ],
        "notice": [
            (f"notice_{level}", LEVEL_TITLES[level], str(getattr(execution.notice, level)))
            for level in LEVELS
        ],
        "weights": [
            (f"weight_{level}", LEVEL_TITLES[level], str(getattr(settings.weights, level)))
            for level in LEVELS
        ],
    }


def apply_form(text: str, given: Mapping[str, str]) -> str:
    """The text with what the form says in it. Raises Refused for what is no number."""
    changes: dict[tuple[str, str], str | None] = {}
    for level in LEVELS:
        values = ", ".join(
            f"{p} = {_number(given, f'{level}_{p}', f'{LEVEL_TITLES[level]} {p.upper()}')}"
            for p in POLLUTANTS
        )
        changes["ratio", level] = f"{{ {values} }}"
    changes["ratio", "base"] = f'"{_word(given.get("base", ""))}"'
    changes["ratio", "pooling"] = _truth(given, "pooling")
    for key in ("whole_lines", "norms"):
        changes["execution", key] = _truth(given, key)
    changes["execution", "filed"] = f'"{_word(given.get("filed", ""))}"'
    hours = ", ".join(f"{level} = {_number(given, f'notice_{level}', _('提前通知'))}" for level in LEVELS)
    changes["execution", "notice"] = f"{{ {hours} }}"
    changes["fairness", "grade_order"] = _truth(given, "grade_order")
    changes["fairness", "rotation"] = _number(given, "rotation", _("轮换"))
    for key, title in (("county_share", _("县区份额")), ("firm_cap", _("企业上限")), ("band", _("均衡"))):
        changes["fairness", key] = _number(given, key, title) if given.get(key, "").strip() else None
    for level in LEVELS:
        changes["weights", level] = _number(given, f"weight_{level}", _("权重"))
    return change_settings(text, changes)


def read_text(text: str) -> Settings | None:
    """The settings of a text; None where it has mistakes."""
    return read_settings(text)[0]


def _number(given: Mapping[str, str], name: str, title: str) -> str:
    """As TOML writes numbers; full-width digits are taken for what they mean."""
    text = given.get(name, "").strip().translate(_FULL_WIDTH)
    whole, _dot, rest = text.partition(".")
    if (
        not (whole.isascii() and whole.isdigit() and (not rest or (rest.isascii() and rest.isdigit())))
        or len(text) > _MOST
    ):
        raise Refused(
            _("“%(title)s”不是数字：%(text)s。") % {"title": title, "text": text or _("空")},
            _("请只填数字，如 20。"),
            status=422,
            code="invalid",
            at=name,
        )
    return f"{int(whole)}.{rest}" if rest else str(int(whole))


_FULL_WIDTH = str.maketrans("０１２３４５６７８９．", "0123456789.")


def _word(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and (letter.isalpha() or letter == "_"))[:40]


def _truth(given: Mapping[str, str], name: str) -> str:
    return "true" if given.get(name) else "false"


def _yes(truth: bool) -> str:
    return "1" if truth else ""


def _plain(value: Any) -> str:
    return "" if value is None else f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)
