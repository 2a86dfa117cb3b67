"""People at work: each with a connection that stays open, one page after another, no pause between them."""

from __future__ import annotations

import http.client
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlencode, urlsplit

USERS = 8
SECONDS, WARMING, MOST = 10.0, 2.0, 5_000
BEFORE = 3  # pages of each that do not count
PATIENCE = 300.0
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')

Ask = Callable[[Random, int], str]
"""The next address for the person with this number."""


class WrongAnswer(Exception):
    """A page did not come as it should."""


@dataclass
class Person:
    """Somebody with a browser's manners: cookies, one connection, forms with their token."""

    address: str
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=600)

    def get(self, path: str, **headers: str) -> str:
        """A page. Raises WrongAnswer for any status but 200."""
        status, body = self._ask("GET", path, None, headers)
        if status != 200:
            raise WrongAnswer(f"{path}: {status}\n{body[:500]}")
        return body

    def post(self, page: str, path: str, values: Iterable[tuple[str, str]]) -> str:
        """Send the form that ``page`` shows to ``path``; gives where it leads, or the answer itself."""
        body = urlencode([("csrfmiddlewaretoken", self.token(page)), *values])
        return self.send(path, body.encode(), "application/x-www-form-urlencoded")

    def send(self, path: str, body: bytes | Iterable[bytes], kind: str, **headers: str) -> str:
        """A body as it is; gives where the answer leads, or the answer. Raises WrongAnswer when refused."""
        status, answer = self._ask("POST", path, body, {"Content-Type": kind, **headers})
        if status not in (200, 201, 302, 303):
            raise WrongAnswer(f"{path}: {status}\n{answer[:2000]}")
        return self.led_to or answer

    def token(self, page: str) -> str:
        """The token of a page's form."""
        found = _TOKEN.search(self.get(page))
        if found is None:
            raise WrongAnswer(f"{page}: no form")
        return found[1]

    def log_in(self, username: str, password: str) -> Person:
        """By the form of the front door."""
        if not self.post(
            "/people/login/", "/people/login/", [("username", username), ("password", password)]
        ).startswith("/"):
            raise WrongAnswer(f"{username} may not log in")
        return self

    def copy(self) -> Person:
        """The same person at another connection."""
        return Person(self.address, dict(self.cookies))

    def leave(self) -> None:
        """Close the connection; the next page opens another."""
        self._connection.close()

    def _ask(
        self, method: str, path: str, body: bytes | Iterable[bytes] | None, headers: dict[str, str]
    ) -> tuple[int, str]:
        given = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        self._connection.request(method, path, body, given)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", ()):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        self.led_to = answer.headers.get("Location", "")
        return answer.status, text


@dataclass(frozen=True)
class Times:
    """Seconds that each request took, and requests a second of all together. ``asked``: with those that warmed up."""

    seconds: tuple[float, ...]
    rate: float
    asked: int

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.seconds, n=20)[-1] if len(self.seconds) > 1 else self.seconds[0]


def put_under_load(people: list[Person], ask: Ask, users: int = USERS, seconds: float = SECONDS) -> Times:
    """``users`` at once, the people in turn, each asking for what ``ask`` gives. Raises WrongAnswer for any failure."""
    asked: list[int] = []
    taken: list[tuple[float, float]] = []
    failures: list[Exception] = []
    # Whoever comes first to a page that is not ready waits for it; what counts begins when all have been through that.
    together = threading.Barrier(users, timeout=PATIENCE)

    def work(number: int) -> None:
        person, random = people[number % len(people)].copy(), Random(number)
        mine: list[tuple[float, float]] = []

        def visit() -> None:
            start = time.perf_counter()
            person.get(ask(random, number % len(people)))
            mine.append((start, time.perf_counter()))

        try:
            warm = time.perf_counter() + min(WARMING, seconds / 2)
            while len(mine) < BEFORE or time.perf_counter() < warm:
                visit()
            before = len(mine)
            together.wait()
            end = time.perf_counter() + seconds
            while time.perf_counter() < end and len(mine) < before + MOST // users:
                visit()
        except (WrongAnswer, OSError, http.client.HTTPException, threading.BrokenBarrierError) as error:
            together.abort()
            failures.append(error)
        else:
            asked.append(len(mine))
            taken.extend(mine[before:])
        finally:
            person.leave()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(users)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise next(
            (each for each in failures if not isinstance(each, threading.BrokenBarrierError)), failures[0]
        )
    span = max(stop for _, stop in taken) - min(start for start, _ in taken)
    return Times(tuple(stop - start for start, stop in taken), len(taken) / span, sum(asked))
