"""An outlet with its limits, and what its operator marked. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from muheng.monitoring.judgement.rules import Basis


@dataclass(frozen=True)
class Limit:
    """What a factor may be, in the factor's own unit; ``until`` is the first day on which it no longer holds."""

    factor: str
    most: float | None
    least: float | None = None
    """pH has both."""
    basis: Basis | None = None
    """None: as the kind of outlet is judged."""
    converted: bool = True
    """Judged at the reference oxygen, where the outlet has one."""
    from_day: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Outlet:
    """Where a source meets the air or the water."""

    id: str
    kind: str
    limits: tuple[Limit, ...]
    """Where two of one factor hold on one day, the one written later is the one."""
    reference_oxygen: float | None = None
    trade: str = ""
    key: bool = False
    """A key unit of supervision: shorter times."""

    @property
    def pollutants(self) -> tuple[str, ...]:
        """The factors with limits, each once."""
        return tuple(dict.fromkeys(limit.factor for limit in self.limits))


@dataclass(frozen=True)
class Marked:
    """A mark of the operator; it speaks for every hour that it touches."""

    mark: str
    begin: datetime
    end: datetime
    made: datetime | None = None
    """When the operator made it; None: not known."""
