"""An output folder that is written whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from muheng.cli.answer import Failure, explain_os_error
from muheng.documents.message import say

_MARK = ".muheng"


@contextmanager
def fill_folder(target: Path, names: Collection[str], mark: str) -> Iterator[Path]:
    """A temporary folder beside ``target``; what was put into it moves there when all went well.

    ``names`` are what this command may write, ``mark`` is the one of them that tells a folder written by it.
    Such a folder is written anew; in any other, files of the same name are refused and all files are kept.
    """
    _refuse_foreign(target, names, mark)
    try:
        target.absolute().parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.mkdtemp(prefix=f"{_MARK}-", dir=_home(target))
    except OSError as error:
        raise Failure(
            "output",
            say("{path} 写不进去。{reason}", path=target, reason=explain_os_error(error)),
            say("换一个能写的文件夹。"),
        ) from error
    work = Path(beside)
    try:
        made = work / "new"
        made.mkdir()
        yield made
        _move(made, target, names, work / "old")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _home(target: Path) -> Path:
    """Where the temporary folder goes: the same disk, so that moving is renaming."""
    return target if target.is_dir() else target.absolute().parent


def _refuse_foreign(target: Path, names: Collection[str], mark: str) -> None:
    if target.exists() and not target.is_dir():
        raise Failure("output", say("{path} 是文件，不是文件夹。", path=target), say("换一个文件夹名。"))
    if not target.is_dir() or (target / mark).is_file():
        return
    there = sorted(name for name in names if (target / name).exists())
    if there:
        raise Failure(
            "output",
            say("{path} 里已有 {names}，不是这个命令写的，没有覆盖。", path=target, names="、".join(there)),
            say("换一个文件夹。"),
        )


def _move(made: Path, target: Path, names: Collection[str], old: Path) -> None:
    """Everything of ``made`` into ``target``; on an error all is as it was."""
    target.mkdir(exist_ok=True)
    old.mkdir()
    aside: list[str] = []
    moved: list[str] = []
    try:
        for name in sorted({*names, *os.listdir(made)}):
            if (target / name).exists():
                (target / name).rename(old / name)
                aside.append(name)
        for entry in sorted(made.iterdir()):
            entry.rename(target / entry.name)
            moved.append(entry.name)
    except OSError as error:
        for name in moved:
            (target / name).rename(made / name)
        for name in aside:
            (old / name).rename(target / name)
        raise Failure(
            "output",
            say("{path} 里的旧文件换不掉，原样未动。{reason}", path=target, reason=explain_os_error(error)),
            say("关掉正在打开的文件，再运行一次。"),
        ) from error
