"""How the receiver fares: counted while it goes, and written as ``state.json`` for whoever wants to know."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from muheng.documents.diagnostic import diagnostic_json
from muheng.monitoring.dialogue.contact import Contact
from muheng.monitoring.dialogue.conversation import Host
from muheng.wire.asks import write_time
from muheng.wire.children import Child
from muheng.wire.device_list import DeviceList

STATE = "state.json"


class Metrics:
    def __init__(self) -> None:
        self.records = self.batches = self.acknowledged = self.bytes = 0
        self.last_sync = self.begun = 0
        self.last_sync_seconds = 0.0
        self.address = ""
        self._before: tuple[int, int, int] | None = None
        """µs, records and bytes when the rates were computed last."""

    def listen(self, address: str, now: int) -> None:
        self.address, self.begun = address, now

    def count_batch(self, records: int, now: int) -> None:
        self.records += records
        self.batches += 1
        self.last_sync = now

    def describe(
        self,
        host: Host,
        connections: int,
        backlog: int,
        devices: DeviceList,
        children: Sequence[Child],
        now: int,
    ) -> dict[str, Any]:
        """``backlog``: bytes that are not durable yet. Rates are since the call before."""
        begun, records, received = self._before or (self.begun, 0, 0)
        self._before = now, self.records, self.bytes
        seconds = max(now - begun, 1) / 1_000_000
        contacts = host.contacts.values()
        return {
            "pid": os.getpid(),
            "address": self.address,
            "begun": write_time(self.begun),
            "now": write_time(now),
            "connections": connections,
            "backlog": backlog,
            "devices": len(host.contacts),
            "connected": sum(contact.link is not None for contact in contacts),
            "records": self.records,
            "batches": self.batches,
            "acknowledged": self.acknowledged,
            "records_per_second": round((self.records - records) / seconds, 1),
            "bytes_per_second": round((self.bytes - received) / seconds),
            "last_sync": write_time(self.last_sync),
            "last_sync_seconds": round(self.last_sync_seconds, 6),
            "counts": dict(sorted(host.counts.items())),
            "device_list": {"problems": [diagnostic_json(problem) for problem in devices.problems]},
            "children": {
                child.name: {"running": child.running, "restarts": child.restarts, "failed": child.failed}
                for child in children
            },
        }


def describe_devices(host: Host) -> Iterator[str]:
    """Those that were heard, by MN: a member of a JSON object each, so that others have their turn between them."""
    for contact in host.contacts.values():
        if contact.last:
            yield f"{json.dumps(contact.mn)}: {json.dumps(_describe(contact))}"


def _describe(contact: Contact) -> dict[str, Any]:
    offset = contact.clock.offset
    return {
        "point": contact.device.point,
        "connected": contact.link is not None,
        "peer": contact.peer,
        "since": write_time(contact.since),
        "last": write_time(contact.last),
        "edition": contact.edition,
        "offset_seconds": None if offset is None else round(offset / 1_000_000, 3),
        "packets_today": contact.packets,
        "repeated_today": contact.repeated,
        "quarantined_today": contact.quarantined,
        "missing": contact.missing,
        "refusals": contact.refusals,
    }


def write_state(store: Path, state: Mapping[str, Any], devices: Iterable[str]) -> None:
    """At one stroke, so that nobody reads half of it. ``devices`` as ``describe_devices`` gives them."""
    draft = store / "state.draft"
    about = json.dumps(state, ensure_ascii=False)
    members = ",\n".join(devices)
    draft.write_text(f'{about[:-1]}, "by_device": {{{members}}}}}\n', encoding="utf-8")
    draft.replace(store / STATE)
