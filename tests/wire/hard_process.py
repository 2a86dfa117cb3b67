"""A process that begins receivers, each a process of its own that can be killed: imports once, so that beginning one is cheap.

Told by lines on its standard input: ``start``, ``kill``, ``stop``; says ``ready``, ``killed``, ``stopped CODE PEAK_KB``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from muheng.monitoring.dialogue.settings import Settings
from muheng.wire.receiver import Limits, Receiver


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def receive(store: Path, port: int, passive: bool) -> None:
    settings = Settings(first_contact=not passive, keep_clocks=not passive, fill_gaps=not passive)
    receiver = Receiver(store, settings, Limits(state=0.5))

    async def run() -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, receiver.stop)
        await receiver.run("127.0.0.1", port, lambda: say("ready"))

    asyncio.run(run())


def main() -> None:
    store, port, passive = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "passive"
    child = 0
    for line in sys.stdin:
        if line.strip() == "start":
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    receive(store, port, passive)
                    code = 0
                finally:
                    os._exit(code)
        else:
            kill = line.strip() == "kill"
            os.kill(child, signal.SIGKILL if kill else signal.SIGTERM)
            _, status, used = os.wait4(child, 0)
            say("killed" if kill else f"stopped {os.waitstatus_to_exitcode(status)} {used.ru_maxrss}")


if __name__ == "__main__":
    main()
