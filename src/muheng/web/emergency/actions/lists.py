"""The emergency list: handed in, read in the background, put in force, given up.

A list is a legal document: while one cell of its workbook is wrong nothing of it is taken, and one is in force at a place.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.documents.message import Message, say
from muheng.emergency.inventory.checking import check
from muheng.emergency.inventory.filed import filed_ratios
from muheng.emergency.inventory.finding import Finding
from muheng.emergency.inventory.model import Inventory
from muheng.emergency.inventory.reading import read_inventory
from muheng.emergency.inventory.sheets import LEVELS
from muheng.intake.annotate import annotate
from muheng.intake.problem import Problem
from muheng.web.audit.actions import record
from muheng.web.emergency.city_settings import city_settings
from muheng.web.emergency.models import EmergencyList, ListedFirm, Plan
from muheng.web.emergency.queries.lists import ADOPT, EDIT
from muheng.web.emergency.stored import store_list
from muheng.web.entrance import clean_text
from muheng.web.files.actions import clean_name, store
from muheng.web.intake.uploads import Upload, check_uploads
from muheng.web.jobs.actions import Progress, enqueue
from muheng.web.monitoring.queries.totals import daily_grams
from muheng.web.people.models import Organisation, User
from muheng.web.people.rights import posts_of, require
from muheng.web.reading import language
from muheng.web.refusal import Refused
from muheng.web.registry.models import Enterprise

SHOWN_PROBLEMS = 1000
"""Problems that are kept with a list to be looked through; the marked workbook has all."""


@transaction.atomic
def hand_in_list(
    actor: User, uploads: Sequence[Upload], title: str = "", season: str = "", at: datetime | None = None
) -> EmergencyList:
    """Hand in the workbook of a list; it is read in the background, and taken whole or not at all."""
    require(actor, EDIT)
    if len(uploads) > 1:
        raise Refused(
            _("清单是一个工作簿，这里有 %(count)s 个文件。") % {"count": len(uploads)},
            _("请把各张表放进一个工作簿再上传。"),
            status=422,
            code="invalid",
            at="files",
        )
    ((name, upload),) = check_uploads(uploads)
    place = home_place(actor)
    made = EmergencyList.objects.create(
        organisation=place,
        title=(clean_text(title) or Path(name).stem)[:200],
        season=clean_text(season)[:20],
        state=EmergencyList.State.READING,
        file=store(upload.chunks(), name, actor),
        before=EmergencyList.objects.filter(organisation=place, state=EmergencyList.State.IN_FORCE).first(),
        made_by=actor,
        made_at=at or timezone.now(),
    )
    record(actor, "emergency.hand_in_list", made, file=name)
    made.job = enqueue(
        "emergency.read_list", actor, _("读取清单 %(title)s") % {"title": made.title}, inventory=made.pk
    )
    made.save(update_fields=("job",))
    return made


def read_list_file(made: EmergencyList, progress: Progress) -> None:
    """Read the workbook that was handed in: the list, or everything that is wrong with it."""
    assert made.file is not None
    with tempfile.TemporaryDirectory(prefix="muheng-list-") as folder:
        path = Path(folder) / clean_name(made.file.name)
        path.symlink_to(made.file.path)

        def tell(what: Message, done: int, total: int) -> None:
            progress(done, total, what)

        inventory, problems = read_inventory(path, tell)
        if inventory is not None:
            problems += _outside(made, inventory)
            if any(each.severity == "error" for each in problems):
                inventory = None
        marked = None
        if problems:
            progress(0, 1, _("标注有问题的单元格"))
            target = Path(folder) / "marked.xlsx"
            annotate(path, problems, target, language())
            name = _("%(name)s（已标注）.xlsx") % {"name": Path(made.file.name).stem}
            marked = store(target, name, made.made_by)
    keep_reading(made, inventory, problems, marked)


@transaction.atomic
def keep_reading(
    made: EmergencyList, inventory: Inventory | None, problems: Sequence[Problem], marked: Any
) -> None:
    """What a reading came to. Safe to do again."""
    made = EmergencyList.objects.select_for_update(of=("self",)).get(pk=made.pk)
    if made.state != EmergencyList.State.READING:
        return
    made.problems, made.marked = [_kept(each) for each in problems[:SHOWN_PROBLEMS]], marked
    made.figures = dict(Counter(f"{each.severity}s" for each in problems))
    if inventory is None:
        made.state = EmergencyList.State.WRONG
        made.save()
        record(made.made_by, "emergency.refuse_list", made, **made.figures)
        return
    fill_list(made, inventory)
    made.state = EmergencyList.State.DRAFT
    made.save()
    record(made.made_by, "emergency.take_list", made, folder=made.folder, firms=made.firms, lines=made.lines)


def fill_list(made: EmergencyList, inventory: Inventory) -> None:
    """Puts what a list holds into its row (which is not saved) and its enterprises' rows."""
    made.folder = store_list(inventory)
    made.firms, made.lines = len(inventory.firms), len(inventory.lines)
    settings = city_settings()
    today = timezone.localdate(made.made_at)
    found = check(
        inventory,
        monitored=daily_grams((firm.code for firm in inventory.firms), today),
        required={level: settings.ratios(level) for level in LEVELS},
        today=today,
    )
    made.findings = [_found(each) for each in found]
    made.figures = made.figures | _figures(inventory)
    ListedFirm.objects.filter(inventory=made).delete()
    ListedFirm.objects.bulk_create(_listed(made, inventory), batch_size=500)


@transaction.atomic
def add_list(
    actor: User, inventory: Inventory, title: str = "", season: str = "", at: datetime | None = None
) -> EmergencyList:
    """A list that is made from values: by a program, or from the registry. A draft as if it had been handed in."""
    require(actor, EDIT)
    place = home_place(actor)
    made = EmergencyList.objects.create(
        organisation=place,
        title=(clean_text(title) or inventory.title)[:200],
        season=clean_text(season)[:20],
        before=EmergencyList.objects.filter(organisation=place, state=EmergencyList.State.IN_FORCE).first(),
        made_by=actor,
        made_at=at or timezone.now(),
    )
    fill_list(made, inventory)
    made.save()
    record(actor, "emergency.add_list", made, folder=made.folder, firms=made.firms, lines=made.lines)
    return made


@transaction.atomic
def put_in_force(actor: User, inventory: EmergencyList, at: datetime | None = None) -> EmergencyList:
    """From now on this list counts; the one before it is kept as what counted until then."""
    row = _hold(inventory)
    require(actor, ADOPT, at=row.organisation)
    if row.state != EmergencyList.State.DRAFT:
        raise Refused(_("这份清单%(state)s，不能启用。") % {"state": row.get_state_display()})
    Organisation.objects.select_for_update().get(pk=row.organisation_id)
    when = at or timezone.now()
    before = EmergencyList.objects.filter(organisation=row.organisation, state=EmergencyList.State.IN_FORCE)
    replaced = list(before.values_list("pk", flat=True))
    before.update(state=EmergencyList.State.REPLACED)
    row.state, row.in_force_from = EmergencyList.State.IN_FORCE, when
    row.save(update_fields=("state", "in_force_from"))
    record(actor, "emergency.put_in_force", row, folder=row.folder, replaced=replaced)
    return row


@transaction.atomic
def remove_list(actor: User, inventory: EmergencyList) -> None:
    """Give up a list that never counted, and that no plan was made for."""
    row = _hold(inventory)
    require(actor, EDIT, at=row.organisation)
    if row.state not in (EmergencyList.State.WRONG, EmergencyList.State.DRAFT):
        raise Refused(_("这份清单%(state)s，不能删除。") % {"state": row.get_state_display()})
    if Plan.objects.filter(inventory=row).exists():
        raise Refused(_("这份清单已经算过方案，不能删除。"), _("不用的可以留着，它不影响执行中的清单。"))
    record(actor, "emergency.remove_list", row)
    row.delete()


def home_place(actor: User) -> Organisation:
    """The place that a person keeps lists for: the widest where they may."""
    numbers = [post.territory_id for post in posts_of(actor) if EDIT in post.rights]
    return Organisation.objects.filter(pk__in=numbers).order_by("path")[0]


def _hold(inventory: EmergencyList) -> EmergencyList:
    rows = EmergencyList.objects.select_for_update(of=("self",)).select_related("organisation")
    return rows.get(pk=inventory.pk)


def _outside(made: EmergencyList, inventory: Inventory) -> list[Problem]:
    """A county hands in its own enterprises only."""
    place = made.organisation
    if place.kind != Organisation.Kind.COUNTY or made.file is None:
        return []
    return [
        Problem(
            "error",
            made.file.name,
            None,
            None,
            None,
            None,
            firm.county,
            say("{name}属{county}，不在您负责的范围内。", name=firm.name, county=firm.county),
            say("请只报{county}的企业。", county=place.name),
            firm.name,
            firm.code,
        )
        for firm in inventory.firms
        if firm.county != place.name
    ]


def _kept(problem: Problem) -> dict[str, Any]:
    fix = problem.fix
    return {
        "severity": problem.severity,
        "sheet": problem.sheet or "",
        "cell": problem.cell or "",
        "found": problem.found[:200],
        "enterprise": problem.enterprise or "",
        "zh": problem.what.render("zh"),
        "en": problem.what.render("en"),
        "fix_zh": fix.render("zh") if fix else "",
        "fix_en": fix.render("en") if fix else "",
    }


def _found(finding: Finding) -> dict[str, Any]:
    fix = finding.fix
    return {
        "severity": finding.severity,
        "kind": finding.kind,
        "firm": finding.firm,
        "line": finding.line,
        "place": finding.place,
        "zh": finding.what.render("zh"),
        "en": finding.what.render("en"),
        "fix_zh": fix.render("zh") if fix else "",
        "fix_en": fix.render("en") if fix else "",
    }


def _figures(inventory: Inventory) -> dict[str, Any]:
    """Totals in g a day, and the ratios of the measures that are filed, as fractions."""
    ratios = filed_ratios(inventory)
    return {
        "emission": [sum(line.daily[p] for line in inventory.lines) for p in range(4)],
        "base": [[source.name, list(source.emission)] for source in inventory.base],
        "filed": {
            level: [None if each is None else str(each) for each in share.ratios]
            for level, share in ratios.items()
        },
    }


def _listed(made: EmergencyList, inventory: Inventory) -> list[ListedFirm]:
    codes = [firm.code for firm in inventory.firms]
    known: dict[str, tuple[int, int | None]] = {}
    for start in range(0, len(codes), 2000):
        rows = Enterprise.objects.filter(code__in=codes[start : start + 2000]).values_list(
            "code", "pk", "county"
        )
        known |= {code: (number, county) for code, number, county in rows}
    counties = {
        place.name: place.pk
        for place in Organisation.objects.filter(kind__in=(Organisation.Kind.COUNTY, Organisation.Kind.PARK))
    }
    emission: dict[str, list[int]] = {code: [0, 0, 0, 0] for code in codes}
    lines: Counter[str] = Counter()
    for line in inventory.lines:
        lines[line.firm] += 1
        for p in range(4):
            emission[line.firm][p] += line.daily[p]
    found = []
    for firm in inventory.firms:
        number, county = known.get(firm.code, (None, None))
        so2, nox, pm, voc = emission[firm.code]
        found.append(
            ListedFirm(
                inventory=made,
                enterprise_id=number,
                code=firm.code,
                name=firm.name[:200],
                county_id=county or counties.get(firm.county),
                trade=firm.trade[:60],
                grade=firm.grade,
                guarantee=firm.guarantee[:40],
                guarantee_level=firm.guarantee_level or "",
                stopped=firm.stopped,
                lines=lines[firm.code],
                so2=so2,
                nox=nox,
                pm=pm,
                voc=voc,
            )
        )
    return found
