"""``muheng demo``: a synthetic city's workbooks as departments really send them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from muheng.cli.answer import Answer, Failure
from muheng.cli.output import fill_folder
from muheng.cli.sources import HEAD
from muheng.cli.verb import option, verb
from muheng.documents.message import Language, say

if TYPE_CHECKING:
    from muheng.cities.demo import DemoCity
    from muheng.intake.facts import Facts, Item

SEED, YEAR = 1, 2025
# No suffix that a data file has: the folder of workbooks may be given to evaluate as it is.
PAST = "上年数据"


def command(lang: Language) -> click.Command:
    return verb(
        "demo",
        lang,
        say("造一个演示城市：各部门的表格（带着实际常见的毛病）和上年已核数据。企业全为虚构。"),
        make_city,
        click.Argument(["city"], metavar="CITY"),
        option(lang, "--out", about=say("写到哪个文件夹。"), required=True, metavar="DIR"),
        option(
            lang, "--seed", about=say("随机种子；同一种子造出同样的城市（默认 1）。"), type=int, default=SEED
        ),
        option(
            lang,
            "--year",
            about=say("评价哪一年（默认 2025）。"),
            type=click.IntRange(2001, 2099),
            metavar="YEAR",
            default=YEAR,
        ),
    )


@dataclass(frozen=True)
class Written:
    """``files`` are the workbooks, ``past`` the folder of last year's checked facts."""

    city: DemoCity
    files: tuple[Path, ...]
    past: Path


def make_city(city: str, out: str, seed: int, year: int, lang: Language) -> Answer:
    written = write_city(city, Path(out), seed, year)
    made = written.city
    kinds = Counter(defect.kind for defect in made.defects)
    lines = [
        say(
            "{count} 户虚构企业，{year} 年（种子 {seed}）。写在 {out}：",
            count=f"{made.truth.height:,}",
            year=year,
            seed=seed,
            out=out,
        ).render(lang)
    ]
    lines += [f"  {path.name}" for path in written.files]
    lines.append(say("  {past}/（上年已核数据）", past=PAST).render(lang))
    shown = "、".join(f"{kind} {count}" for kind, count in kinds.most_common())
    if made.defects:
        said = say("其中埋了 {count} 处毛病：{kinds}。", count=len(made.defects), kinds=shown)
        lines.append(said.render(lang))
    data = {
        "city": made.pack,
        "year": year,
        "seed": seed,
        "enterprises": made.truth.height,
        "folder": out,
        "files": [str(path) for path in written.files],
        "last_year": str(written.past),
        "defects": dict(kinds.most_common()),
    }
    return Answer(lines, data)


def write_city(city: str, out: Path, seed: int, year: int) -> Written:
    """Make and write the demo of a pack. Raises Failure."""
    from muheng.cities.demo import make_demo, read_parameters, write_demo
    from muheng.cities.pack import load_pack
    from muheng.intake.facts import write_facts
    from muheng.intake.layout import load_layouts

    pack, found = load_pack(city)
    if pack is None:
        raise Failure("unknown", say("城市包“{name}”用不了。", name=city), diagnostics=found)
    if not (pack.folder / "demo").is_dir():
        raise Failure("unknown", say("{city}没有演示数据。", city=pack.city.name), say("试试 maanshan。"))
    parameters, found = read_parameters(pack)
    if parameters is None:
        raise Failure("policy", say("{city}的演示参数有错误。", city=pack.city.name), diagnostics=found)
    made = make_demo(pack, seed, year)
    layouts, _ = load_layouts(pack.layouts)
    items = {name: item for layout in layouts for name, item in layout.items().items()}
    # A demo of another year in the same folder goes, or its workbooks would be read with the new ones.
    years = {year, _year_there(out, year)}
    names = [*(form.file.format(year=each) for form in parameters.workbooks for each in years), PAST]
    with fill_folder(out, names, f"{PAST}/{HEAD}") as folder:
        files = write_demo(made, folder)
        write_facts(past_facts(made, items), folder / PAST)
    return Written(made, tuple(out / file.name for file in files), out / PAST)


def _year_there(out: Path, otherwise: int) -> int:
    """The year of a demo that was written into the folder before."""
    try:
        return int(json.loads((out / PAST / HEAD).read_text(encoding="utf-8"))["year"]) + 1
    except (OSError, ValueError, KeyError, TypeError):
        return otherwise


def past_facts(city: DemoCity, items: dict[str, Item]) -> Facts:
    """The figures of the year before, as a bureau has them from its last evaluation: checked and whole."""
    from muheng.intake.facts import facts_from_decimals

    return facts_from_decimals(city.past, items, city.year - 1, file=PAST, sheet=PAST)
