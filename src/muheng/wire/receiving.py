"""A receiver in a thread of its own, with the digest beside it, so that nothing the caller does holds it up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from muheng.documents.message import Message
from muheng.monitoring.dialogue.settings import Settings
from muheng.wire.children import Child
from muheng.wire.digesting import make_child
from muheng.wire.receiver import Limits, Receiver


class Receiving:
    """Raises what ``Receiver`` raises."""

    def __init__(
        self,
        store: Path,
        settings: Settings,
        tell: Callable[[Message], None],
        limits: Limits | None = None,
        children: Sequence[Child] | None = None,
    ) -> None:
        self.store = store
        beside = [make_child(store)] if children is None else children
        self._receiver = Receiver(store, settings, limits, beside, tell)
        self._ready = threading.Event()
        self._over = threading.Event()
        self._error: BaseException | None = None

    @property
    def state(self) -> dict[str, Any]:
        return self._receiver.state

    @property
    def port(self) -> int:
        return self._receiver.port

    @contextmanager
    def running(self, host: str, port: int) -> Iterator[None]:
        """From when devices can connect; what was received is durable and answered at the end. Raises its failure."""
        thread = threading.Thread(target=self._run, args=(host, port), name="receiver")
        thread.start()
        try:
            self._ready.wait()
            if self._error is None:
                yield
        finally:
            # Nothing but the end of the thread lets its work be lost, so a second Ctrl-C waits too.
            self._receiver.stop()
            thread.join()
        if self._error is not None:
            raise self._error

    def wait(self, seconds: float) -> bool:
        """Whether it still runs after so long."""
        return not self._over.wait(seconds)

    def _run(self, host: str, port: int) -> None:
        try:
            asyncio.run(self._receiver.run(host, port, self._ready.set))
        except BaseException as error:  # handed to the caller's thread
            self._error = error
        finally:
            self._over.set()
            self._ready.set()
