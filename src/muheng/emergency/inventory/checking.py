"""What is to be looked at in a list that was read: amounts that do not agree, measures that cannot be or be proved.

Changes nothing and refuses nothing: what may stand in the list is for an official.
"""

from __future__ import annotations

import datetime

from muheng.emergency.inventory.checking_amounts import Monitored, check_amounts
from muheng.emergency.inventory.checking_measures import Required, check_measures, check_ratios
from muheng.emergency.inventory.finding import Finding
from muheng.emergency.inventory.model import Inventory

_SEVERITIES = ("error", "warning", "note")


def check(
    inventory: Inventory,
    monitored: Monitored | None = None,
    *,
    required: Required | None = None,
    today: datetime.date | None = None,
) -> list[Finding]:
    """All findings, the gravest first, then by enterprise and line.

    ``monitored``: g a day by line or enterprise; ``required``: the ratios that the measures in force are held
    against; ``today``: for grades that have run out. What is not given is not checked.
    """
    findings = [*check_amounts(inventory, monitored or {}), *check_measures(inventory, today)]
    if required is not None and inventory.filed:
        findings += check_ratios(inventory, required)
    return sorted(
        findings,
        key=lambda finding: (_SEVERITIES.index(finding.severity), finding.firm or "", finding.line or ""),
    )
