"""The worked instance of eight lines as the list of the tests' city: eight of its enterprises in two counties."""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from emergency.options.t1_list import t1_list, t1_twin
from muheng.emergency.inventory.model import Filed, Inventory
from muheng.emergency.inventory.writing import write_inventory
from muheng.emergency.settings import COMMON

if TYPE_CHECKING:
    from django.core.files.uploadedfile import SimpleUploadedFile

    from muheng.web.emergency.models import EmergencyList, Plan
    from muheng.web.people.models import User
    from web.population import Population

OPTIMUM = {"yellow": 12_500_000, "orange": 20_200_000, "red": 28_700_000}
"""Fen a day."""
ALONE = (0, 1, 2, 3, 7, 8, 9, 11)
"""Which of the city's enterprises stand for the eight: four of each county, the first and the last with an account."""


@dataclass(frozen=True)
class Bureau:
    """The city, who keeps its list, and who adopts."""

    people: Population
    keeper: User
    adopter: User


def make_bureau() -> Bureau:
    from muheng.web.people.actions import appoint, make_department, make_person, take_roles
    from web.population import PASSWORD, make_city

    people = make_city()
    bureau = make_department("生态环境局", people.root, "Bureau of Ecology and Environment")
    keeper = make_person("keeper", "大气陈", PASSWORD)
    appoint(keeper, take_roles()["air_officer"], bureau)
    return Bureau(people, keeper, people.chief)


def worked_inventory(people: Population, twin: bool = False) -> Inventory:
    """With the city's codes, names and counties; one plan of a plant is filed."""
    plain = t1_twin() if twin else t1_list()
    known = {f"F{at + 1}": people.enterprises[number] for at, number in enumerate(ALONE)}
    firms = tuple(
        replace(
            firm, code=known[firm.code].code, name=known[firm.code].name, county=str(known[firm.code].county)
        )
        for firm in plain.firms
    )
    lines = tuple(
        replace(line, id=f"{known[line.firm].code}-1", firm=known[line.firm].code, meter=f"M{line.firm}")
        for line in plain.lines
    )
    offers = tuple(replace(each, line=f"{known[each.line[:-2]].code}-1") for each in plain.offers)
    filed = (Filed(line_of(people, 2), "orange", "限产50%", "限产", 500, text="回转窑降负荷一半"),)
    return Inventory(
        "示例清单",
        tuple(sorted(firms, key=lambda firm: firm.code)),
        tuple(sorted(lines, key=lambda line: line.id)),
        tuple(sorted(offers, key=lambda each: (each.line, each.order))),
        filed,
        base=plain.base,
    )


def line_of(people: Population, number: int) -> str:
    """The line that is L1 … L8."""
    return f"{people.enterprises[ALONE[number - 1]].code}-1"


def worked_settings(**changes: str) -> str:
    """The common settings as the worked instance has them: no whole lines, no small ones; ``changes`` by key."""
    text = COMMON.read_text(encoding="utf-8").replace("whole_lines = true", "whole_lines = false")
    text = text.replace("[small]\nyearly = 100\n", "")
    for key, value in changes.items():
        text = "\n".join(
            f"{key} = {value}" if line.split("=")[0].strip() == key else line for line in text.splitlines()
        )
    return text


def workbook_of(inventory: Inventory) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "list.xlsx"
        write_inventory(inventory, path)
        return path.read_bytes()


def upload(content: bytes, name: str = "应急减排清单.xlsx") -> SimpleUploadedFile:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return SimpleUploadedFile(name, content)


def spoiled(content: bytes, sheet: str, cell: str, value: Any) -> bytes:
    """A workbook with one cell otherwise."""
    from openpyxl import load_workbook

    book = load_workbook(BytesIO(content))
    book[sheet][cell] = value
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def take(bureau: Bureau, inventory: Inventory | None = None, **more: Any) -> EmergencyList:
    """A list as it is handed in and read."""
    from muheng.web.emergency.actions.lists import hand_in_list
    from muheng.web.jobs.actions import run_pending

    content = workbook_of(inventory or worked_inventory(bureau.people))
    made = hand_in_list(bureau.keeper, [upload(content)], **more)
    run_pending()
    made.refresh_from_db()
    return made


def work_out(bureau: Bureau, listing: EmergencyList, **changes: str) -> Plan:
    """A plan as it is asked for and computed."""
    from muheng.web.emergency.actions.plans import ask_plan
    from muheng.web.jobs.actions import run_pending

    made = ask_plan(bureau.keeper, listing, worked_settings(**changes), "示例方案")
    run_pending()
    made.refresh_from_db()
    return made
