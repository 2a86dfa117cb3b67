"""The way out to a province's message broker (NATS JetStream): a child of the receiver that nothing of it can hold up.

Every packet is in the stream once, however often the broker, the line or this process breaks off: what was under way then is
asked for by its subject before it is sent again, and the broker itself drops what carries the same ``Nats-Msg-Id``. Where the
note of how far it came is lost, or the store was digested anew, the last message of the stream tells; only where that is
somebody else's, or older than what ``fresh`` holds, messages come a second time, with the same ``Nats-Msg-Id``. What the broker
was away for longer than ``fresh`` is kept does not go out, and is told. What messages hold and how far they have gone is
``outgoing``'s.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit

from muheng.documents.message import Language, Message, Refusal, say
from muheng.monitoring.store.segments import CHINA
from muheng.monitoring.store.values import FOLDER as VALUES
from muheng.wire.children import Child, watch_parent
from muheng.wire.outgoing import (
    ROOT,
    Cursor,
    Outgoing,
    find_message,
    has_lost_its_place,
    read_batches,
    read_cursor,
    write_cursor,
)

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

MOST = 500
"""Messages under way at a time."""
EVERY = 1.0
PATIENCE = 15.0
"""Seconds for the broker to confirm them."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
SAME_WITHIN = 3600.0
"""Seconds for which a stream that is made here knows the messages it has."""
ID = "Nats-Msg-Id"
SCHEMES = ("nats", "tls")


def make_child(store: Path, url: str, stream: str, lang: Language) -> Child:
    """Raises Refusal where the client is not installed, or the address is none."""
    address = urlsplit(url)
    if address.scheme not in SCHEMES or not address.hostname:
        raise Refusal(
            say("“{url}”不是消息队列的地址。", url=url),
            say("写成 nats://主机:4222，加密的写 tls://主机:4222。"),
        )
    if find_spec("nats") is None:
        raise Refusal(say("没有安装消息队列的客户端（nats-py）。"), say("安装 muheng[broker]。"))
    return Child("broker", "muheng.wire.broker", [str(store), url, stream, lang])


def main(store: Path, url: str, stream: str, lang: Language) -> None:
    gone = watch_parent()
    os.nice(5)  # receiving goes first
    lock = os.open(store / ".broker.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    # One that is being ended may still be at its last messages.
    fcntl.flock(lock, fcntl.LOCK_EX)
    asyncio.run(send_all(store, url, stream, gone, lambda message: _warn(message, lang)))


def _warn(message: Message, lang: Language) -> None:
    print(message.render(lang), file=sys.stderr, flush=True)


async def send_all(
    store: Path, url: str, stream: str, gone: threading.Event, tell: Callable[[Message], None]
) -> None:
    """Until ``gone``: whatever happens to the broker, it is tried again."""
    from nats import errors
    from nats.js import errors as stream_errors

    wait = FIRST_WAIT
    while not gone.is_set():
        try:
            async with _connect(url) as line:
                await _prepare(line, stream)
                cursor = read_cursor(store)
                if has_lost_its_place(store, cursor):
                    cursor = await _find_place(line, stream, store, cursor)
                    write_cursor(store, cursor)
                if cursor.error:
                    tell(say("消息队列 {host} 又连上了，接着送。", host=_host(url)))
                    write_cursor(store, replace(cursor, error="", at=_now()))
                missed = cursor.missed
                async for cursor in _send(line, stream, store, gone):
                    wait = FIRST_WAIT
                    if cursor.missed > missed:
                        tell(
                            say(
                                "有 {count} 份新数据等不到消息队列 {host}，已过保存期，没有送出；数值仍在 {folder} 里。",
                                count=cursor.missed - missed,
                                host=_host(url),
                                folder=store / VALUES,
                            )
                        )
                        missed = cursor.missed
        except (errors.Error, stream_errors.Error, OSError, TimeoutError) as error:
            why = f"{type(error).__name__}: {error}".rstrip(": ")
            cursor = read_cursor(store)
            if not cursor.error:
                tell(
                    say(
                        "送往消息队列 {host} 断了（{why}），会一直重试；接收不受影响。",
                        host=_host(url),
                        why=why,
                    )
                )
            write_cursor(store, replace(cursor, error=why, at=cursor.at if cursor.error else _now()))
            await asyncio.to_thread(gone.wait, wait)
            wait = min(2 * wait, LONGEST_WAIT)


def _host(url: str) -> str:
    """Without a password."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _now() -> str:
    return datetime.now(CHINA).isoformat(timespec="seconds")


# -- a connection ----------------------------------------------------------------------------------------------------


class _Line(NamedTuple):
    client: Client
    stream: JetStreamContext
    broken: asyncio.Event


@asynccontextmanager
async def _connect(url: str) -> AsyncIterator[_Line]:
    """It does not connect again by itself: what was under way would be lost sight of."""
    from nats.aio.client import Client
    from nats.errors import NoServersError

    broken = asyncio.Event()
    reasons: list[Exception] = []

    async def note() -> None:
        broken.set()

    async def note_reason(error: Exception) -> None:
        reasons[:] = [error]

    client = Client()
    try:
        # With no attempt allowed the client would try for ever.
        await client.connect(
            url,
            name="muheng",
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=5,
            closed_cb=note,
            error_cb=note_reason,
        )
    except NoServersError as error:
        raise ConnectionError(*(reasons[-1].args if reasons else error.args)) from error
    try:
        yield _Line(client, client.jetstream(publish_async_max_pending=2 * MOST), broken)
    finally:
        with suppress(Exception):
            await client.close()


async def _prepare(line: _Line, name: str) -> None:
    """The stream is the province's; where there is none it is made."""
    from nats.js.api import StreamConfig
    from nats.js.errors import NotFoundError

    try:
        await line.stream.stream_info(name)
    except NotFoundError:
        await line.stream.add_stream(
            StreamConfig(name=name, subjects=[f"{ROOT}.>"], duplicate_window=SAME_WITHIN)
        )


async def _send(line: _Line, name: str, store: Path, gone: threading.Event) -> AsyncIterator[Cursor]:
    """Batch after batch, as they come; the cursor after each."""
    first = True
    while not gone.is_set():
        for messages, cursor in read_batches(store, read_cursor(store), MOST):
            fitting = [each for each in messages if len(each.payload) < line.client.max_payload - 1024]
            refused = len(messages) - len(fitting)
            if first:
                # All that a connection that broke off can have left in doubt is one batch.
                fitting, first = await _leave_out_stored(line, name, fitting), False
            await _publish(line, name, fitting)
            cursor = replace(cursor, sent=cursor.sent - refused, refused=cursor.refused + refused)
            write_cursor(store, cursor)
            yield cursor
            if gone.is_set():
                return
        await asyncio.to_thread(gone.wait, EVERY)
        if line.broken.is_set():
            raise ConnectionError("closed")


async def _publish(line: _Line, name: str, messages: Sequence[Outgoing]) -> None:
    """Returns when the stream has all of them."""
    if not messages:
        return
    confirmed = asyncio.gather(
        *[
            await line.stream.publish_async(
                each.subject, each.payload, wait_stall=PATIENCE, stream=name, headers={ID: each.id}
            )
            for each in messages
        ]
    )
    broken = asyncio.ensure_future(line.broken.wait())
    either: set[asyncio.Future[Any]] = {confirmed, broken}
    try:
        done, _ = await asyncio.wait(either, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if confirmed not in done:
            raise ConnectionError("closed") if done else TimeoutError("no confirmation")
        confirmed.result()
    finally:
        broken.cancel()
        confirmed.cancel()


async def _leave_out_stored(line: _Line, name: str, messages: Sequence[Outgoing]) -> list[Outgoing]:
    """Without those that the stream has: the last message of a subject tells how far the subject's messages came."""
    subjects = sorted({message.subject for message in messages})
    last = dict(
        zip(subjects, await asyncio.gather(*[_find_last(line, name, each) for each in subjects]), strict=True)
    )
    ends = {
        message.subject: number
        for number, message in enumerate(messages)
        if message.id == last[message.subject]
    }
    return [message for number, message in enumerate(messages) if number > ends.get(message.subject, -1)]


async def _find_place(line: _Line, name: str, store: Path, cursor: Cursor) -> Cursor:
    """By the last message that the stream has; from the beginning where that is not one of ours."""
    last = await _find_last(line, name, f"{ROOT}.>")
    found = None if last is None else await asyncio.to_thread(find_message, store, last)
    begun = Cursor() if found is None else found
    return replace(cursor, serial=begun.serial, index=begun.index)


async def _find_last(line: _Line, name: str, subject: str) -> str | None:
    from nats.js.errors import NotFoundError

    try:
        found = await line.stream.get_last_msg(name, subject)
    except NotFoundError:
        return None
    return (found.headers or {}).get(ID)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], cast(Language, sys.argv[4]))
