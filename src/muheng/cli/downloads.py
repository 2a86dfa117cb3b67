"""What lies at an address of a site, as a file for the verbs: a sealed result, a policy, the facts of a year.

An address is that of a page or of the API. What is fetched stays until the command ends.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from muheng.cli.answer import Failure
from muheng.cli.site import Site, find_site, is_address
from muheng.documents.message import Message, say

_BUNDLE = re.compile(r"evaluations/(?P<evaluation>\d{1,18})(?:/runs/(?P<run>\d{1,9}))?(?:/|$)")
_POLICY = re.compile(r"policies/(?P<slug>[\w-]{1,80})(?:/(?:versions/)?(?P<number>\d{1,9}))?(?:/|$)")
_FACTS = re.compile(r"intake/years/(?P<year>\d{4})(?:/|$)")
_FACTS_FILE = re.compile(r"facts\.json|facts\.parquet|source-\d{3,}\.parquet")
_MOST_UNPACKED = 16 << 30


@dataclass(frozen=True)
class Fetched:
    """A file that was fetched. ``city``: the pack that a policy belongs to, where the site knows one."""

    path: Path
    address: str
    city: str | None = None


def local_path(given: str) -> Path:
    """The file of a word on the command line: fetched, where it is an address. Raises Failure."""
    return fetch(given).path if is_address(given) else Path(given)


def fetch(address: str) -> Fetched:
    """What lies at the address; asked for once by a command. Raises Failure."""
    kept = _kept()
    if address not in kept:
        kept[address] = _fetch(address)
    return kept[address]


def shown(path: Path) -> Path | str:
    """How a person named the file: by its address, where it was fetched."""
    return next((found.address for found in _kept().values() if found.path == path), path)


def city_of(path: Path) -> str | None:
    """The city pack of a policy that was fetched."""
    return next((found.city for found in _kept().values() if found.path == path), None)


def _kept() -> dict[str, Fetched]:
    context = click.get_current_context(silent=True)
    kept: dict[str, Fetched] = context.meta.setdefault(__name__, {}) if context is not None else {}
    return kept


def _fetch(address: str) -> Fetched:
    site, inside = find_site(address)
    folder = Path(click.get_current_context().with_resource(TemporaryDirectory(prefix="muheng-")))
    if found := _BUNDLE.match(inside):
        run = found["run"] or _chosen_run(site, found["evaluation"], address)
        path = f"evaluations/{found['evaluation']}/runs/{run}/bundle"
        return Fetched(site.download(path, folder / "bundle.zip"), address)
    if found := _POLICY.match(inside):
        return _fetch_policy(site, found["slug"], found["number"], folder, address)
    if found := _FACTS.match(inside):
        packed = site.download(f"intake/years/{found['year']}/facts", folder / "facts.zip")
        return Fetched(_unpack(packed, folder / f"facts-{found['year']}", address), address)
    raise Failure(
        "remote",
        say("{address} 不是可以取用的地址。", address=address),
        say(
            "可以写一次计算（…/evaluations/3/runs/2/）、一份办法（…/policies/编号/）、一年的数据（…/api/intake/years/2025）。"
        ),
        about={"code": "not_a_source"},
    )


def _chosen_run(site: Site, evaluation: str, address: str) -> str:
    """The run of an evaluation that its officials chose. Raises Failure where there is none yet."""
    chosen = site.ask(f"evaluations/{evaluation}").get("chosen")
    if chosen is None:
        raise Failure(
            "remote",
            say("{address} 还没有选定一次计算。", address=address),
            say("写明是哪一次，如 …/runs/1/。"),
            about={"code": "no_run"},
        )
    return str(chosen)


def _fetch_policy(site: Site, slug: str, number: str | None, folder: Path, address: str) -> Fetched:
    """A version of a method; without a number its newest final one, or else its newest."""
    method: dict[str, Any] = site.ask(f"policies/{slug}")
    if number is None:
        versions = method["versions"]
        finals = [version for version in versions if version["state"] == "final"]
        if not versions:
            raise Failure(
                "remote", say("{address} 还没有文本。", address=address), about={"code": "no_version"}
            )
        number = str(max(version["number"] for version in finals or versions))
    version = site.ask(f"policies/{slug}/versions/{number}")
    path = folder / f"{slug}.toml"
    path.write_text(version["text"], encoding="utf-8", newline="\n")
    return Fetched(path, address, _known_pack(method["city"]))


def _known_pack(name: str) -> str | None:
    """The pack, where this machine has it too."""
    from muheng.cities.pack import UnknownIdError, find_pack

    try:
        find_pack(name)
    except UnknownIdError:
        return None
    return name


def _unpack(packed: Path, folder: Path, address: str) -> Path:
    """The folder of facts in a zip; nothing but what such a folder has. Raises Failure."""
    damaged: Message = say("{address} 传来的数据读不出来。", address=address)
    folder.mkdir()
    try:
        with zipfile.ZipFile(packed) as archive:
            entries = archive.infolist()
            if any(_FACTS_FILE.fullmatch(entry.filename) is None for entry in entries):
                raise Failure("connection", damaged, about={"code": "unexpected"})
            if sum(entry.file_size for entry in entries) > _MOST_UNPACKED:
                raise Failure("connection", damaged, about={"code": "unexpected"})
            archive.extractall(folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise Failure("connection", damaged, about={"code": "unexpected"}) from error
    packed.unlink()
    return folder
