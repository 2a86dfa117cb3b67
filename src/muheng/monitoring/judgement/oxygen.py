"""Concentrations at the reference oxygen: C·(21 − reference)/(21 − O2). Near 21 there is none."""

from __future__ import annotations

from math import isfinite

import numpy as np

from muheng.monitoring.judgement.rules import Oxygen
from muheng.monitoring.judgement.runs import Numbers

AIR = 21.0
"""The content that the formula of the standards counts from."""


def find_factor(oxygen: Numbers, reference: float, rule: Oxygen) -> Numbers:
    """What a concentration is multiplied by, NaN where the oxygen is missing, negative or beyond the rule."""
    sound = (oxygen <= float(rule.at_most)) & (oxygen >= 0)
    factor: Numbers = (AIR - reference) / (AIR - np.where(sound, oxygen, np.nan))
    return factor


def convert_one(value: float, oxygen: float | None, reference: float, rule: Oxygen) -> float | None:
    """A single concentration as ``convert`` has it, bit for bit; None where it cannot be converted."""
    if oxygen is None or not 0 <= oxygen <= float(rule.at_most) or not isfinite(value):
        return None
    scale = 10.0**rule.digits
    return round(value * ((AIR - reference) / (AIR - oxygen)) * scale) / scale


def convert(values: Numbers, factor: Numbers, rule: Oxygen) -> Numbers:
    """Rounded to the rule's digits, so that a value at the limit does not exceed it by a last bit."""
    return np.round(values * factor, rule.digits)
