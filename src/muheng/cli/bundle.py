"""A sealed result named on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from muheng.cli.answer import Detail, Failure
from muheng.cli.downloads import local_path, shown
from muheng.documents.message import say

if TYPE_CHECKING:
    from muheng.policy.run import Result

BUNDLE = "bundle.zip"


def bundle_argument(name: str = "bundle") -> click.Argument:
    """BUNDLE: the sealed file, the folder that ``evaluate`` wrote it into, or a run on a site."""
    return click.Argument([name], metavar="BUNDLE")


def find_bundle(given: str) -> Path:
    """The file that is meant, fetched where it is on a site. Raises Failure when it is not there."""
    path = local_path(given)
    found = path / BUNDLE if path.is_dir() else path
    if not found.is_file():
        fix = say("写 bundle.zip 的路径、muheng evaluate 写出的文件夹，或网站上一次计算的地址。")
        raise Failure("file", say("找不到封存包 {path}。", path=found), fix)
    return found


def open_bundle(given: str) -> Result:
    """The sealed result. Raises Failure when the file is no bundle or cannot be read."""
    import polars as pl

    from muheng.policy.bind import DataError
    from muheng.policy.seal import BundleError, read_bundle

    path = find_bundle(given)
    look = say("用 muheng verify {path} 看是哪里不符。", path=shown(path))
    try:
        return read_bundle(path)
    except BundleError as error:
        raise Failure("bundle", error.what, look) from error
    except DataError as error:
        details = [Detail(misfit.what, misfit.fix) for misfit in error.misfits]
        raise Failure("bundle", say("封存的数据与封存的规则不符。"), look, details) from error
    except (FileNotFoundError, pl.exceptions.PolarsError) as error:
        raise Failure("bundle", say("{file} 已损坏，读不出来。", file=shown(path)), look) from error
