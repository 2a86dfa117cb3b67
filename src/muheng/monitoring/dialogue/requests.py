"""What the host asks of one device, one thing after the other: sent, answered (9011), carried out (9012); with time-outs.

Knows when to send and when to give up; how a request looks on the wire is the caller's.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from muheng.monitoring.dialogue.settings import Settings
from muheng.monitoring.dialogue.times import SECOND
from muheng.monitoring.hj212.tables import codes

Purpose = Literal["contact", "clock", "gap", "ask"]
Result = Literal[
    "done", "refused", "failed", "timeout", "disconnected", "not_connected", "unknown_device", "unwritable"
]
READY = SUCCESS = 1
"""QnRtn and ExeRtn."""
MOST_ANSWERS = 50
MOST_WAITING = 20
"""Of one device."""
_ACCEPTED_IS_DONE = frozenset({"2011", "2021"})
"""The device goes on to upload; no 9012 ends it."""


@dataclass(frozen=True)
class Wanted:
    """``name``: of what a person asks. ``until``: given up then if it was not even sent; 0 never."""

    command: str
    cp: tuple[tuple[str, str], ...]
    purpose: Purpose
    name: str = ""
    until: int = 0


@dataclass(frozen=True)
class Outcome:
    """``result``: how it went; the device's codes where it gave any; ``answers``: contents that it uploaded for it."""

    mn: str
    wanted: Wanted
    result: Result
    ended: int
    begun: int = 0
    sent: int = 0
    qn: str = ""
    qn_rtn: int | None = None
    exe_rtn: int | None = None
    answers: tuple[str, ...] = ()


class _Running:
    __slots__ = ("accepted", "answers", "begun", "deadline", "qn", "qn_rtn", "sent", "wanted")

    def __init__(self, wanted: Wanted, qn: str, now: int) -> None:
        self.wanted, self.qn, self.begun = wanted, qn, now
        self.sent = 0
        self.deadline = now
        self.accepted = False
        self.qn_rtn: int | None = None
        self.answers: list[str] = []


class Requests:
    """Of one device."""

    __slots__ = ("_mn", "_running", "_settings", "_waiting")

    def __init__(self, mn: str, settings: Settings) -> None:
        self._mn = mn
        self._settings = settings
        self._waiting: deque[Wanted] = deque()
        self._running: _Running | None = None

    @property
    def idle(self) -> bool:
        return self._running is None and not self._waiting

    @property
    def due(self) -> int:
        """When there is something to do: 0 at once. Not where it is idle."""
        return 0 if self._running is None else self._running.deadline

    @property
    def running(self) -> Wanted | None:
        return None if self._running is None else self._running.wanted

    def put(self, wanted: Wanted) -> bool:
        """False where too much is waiting already. What a person asks goes first."""
        if len(self._waiting) >= MOST_WAITING:
            return False
        if wanted.purpose == "ask":
            place = sum(each.purpose == "ask" for each in self._waiting)
            self._waiting.insert(place, wanted)
        else:
            self._waiting.append(wanted)
        return True

    def find_due(self, now: int, qn: str) -> tuple[Wanted, str] | None:
        """What is to be sent now, with its number: the next thing (which gets ``qn``), or the same thing again."""
        running = self._running
        if running is None:
            if not self._waiting:
                return None
            running = self._running = _Running(self._waiting.popleft(), qn, now)
        if now < running.deadline or self._is_last(running):
            return None
        running.sent += 1
        running.deadline = now + self._settings.overtime * SECOND
        return running.wanted, running.qn

    def expire(self, now: int) -> list[Outcome]:
        """What is given up by now."""
        given_up = [
            Outcome(self._mn, each, "not_connected", now)
            for each in self._waiting
            if each.until and each.until <= now
        ]
        if given_up:
            self._waiting = deque(each for each in self._waiting if not each.until or each.until > now)
        running = self._running
        if running is not None and now >= running.deadline and self._is_last(running):
            given_up.append(self._end("timeout", now))
        return given_up

    def _is_last(self, running: _Running) -> bool:
        """Whether nothing more is sent when its time is over."""
        return running.accepted or running.sent > self._settings.recount

    def hear(self, command: str, qn: str, code: int | None, now: int) -> Outcome | None:
        """An answer of the device: 9011, 9012 or 9013 with the number of the request; without one it means the last."""
        running = self._running
        if running is None or (qn and qn != running.qn):
            return None
        wanted = running.wanted
        if command == "9013":
            return self._end("done", now) if _is_notice(wanted.command) else None
        if command == "9011":
            running.qn_rtn = code
            if code != READY:
                return self._end("refused", now)
            if wanted.command in _ACCEPTED_IS_DONE:
                return self._end("done", now)
            running.accepted = True
            running.deadline = now + self._patience(wanted)
            return None
        if command != "9012":
            return None
        return self._end("done" if code == SUCCESS else "failed", now, code)

    def _patience(self, wanted: Wanted) -> int:
        """µs until it is carried out."""
        settings = self._settings
        return (settings.ask_execution if wanted.purpose == "ask" else settings.execution) * SECOND

    def hear_upload(self, command: str, content: str, now: int) -> None:
        """Data that the running request asked for."""
        running = self._running
        if running is not None and running.wanted.command == command:
            if len(running.answers) < MOST_ANSWERS:
                running.answers.append(content)
            if running.accepted:
                running.deadline = now + self._patience(running.wanted)

    def refuse(self, now: int) -> list[Outcome]:
        """What was to be sent cannot be written."""
        return [] if self._running is None else [self._end("unwritable", now)]

    def break_off(self, now: int) -> list[Outcome]:
        """The connection is gone: what runs ends; of what waits only people's questions go on waiting."""
        ended = [] if self._running is None else [self._end("disconnected", now)]
        ended += [
            Outcome(self._mn, each, "disconnected", now) for each in self._waiting if each.purpose != "ask"
        ]
        self._waiting = deque(each for each in self._waiting if each.purpose == "ask")
        return ended

    def _end(self, result: Result, now: int, exe_rtn: int | None = None) -> Outcome:
        running = self._running
        assert running is not None
        self._running = None
        return Outcome(
            self._mn,
            running.wanted,
            result,
            now,
            running.begun,
            running.sent,
            running.qn,
            running.qn_rtn,
            exe_rtn,
            tuple(running.answers),
        )


def _is_notice(command: str) -> bool:
    known = codes("command").get(command)
    return known is not None and known.direction == "N"


def may_ask(command: str) -> bool:
    """Whether it is something a host asks of a device or notifies it of."""
    known = codes("command").get(command)
    return known is not None and command < "9000" and ("R" in known.direction or command in ("2012", "2022"))
