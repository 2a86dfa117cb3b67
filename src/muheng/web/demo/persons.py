"""Who works in the demo city, where, as what; and the enterprises that have an account. All names are made up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from muheng.cities.demo import DemoRegistry
from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.web.evaluation.models import Evaluation
from muheng.web.evaluation.runs import read_grades
from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import Organisation, User
from muheng.web.registry.actions import represent
from muheng.web.registry.models import Enterprise, GradeRecord
from muheng.web.registry.panels import read_panel

PASSWORD = "muheng2026"
CLERK, CHIEF, LEADER, ANALYST = "clerk", "chief", "leader", "analyst"
COUNTY_CLERK, TAX_CLERK = "county", "tax"
OWNER, SECOND_OWNER, AGENT = "enterprise", "enterprise2", "agent"
LIAISON, DESK = "liaison", "desk"

_COUNTY = "当涂县"
_DEPARTMENTS = {
    "市税务局": "Municipal Tax Bureau",
    "市统计局": "Municipal Bureau of Statistics",
    "市水务局": "Municipal Water Bureau",
}
"""Those that answer no demands, and so are not in the city's pack."""
_LEAD, _TAX = "市工业和信息化局", "市税务局"


@dataclass(frozen=True)
class People:
    """The officials, and the two places that they evaluate for."""

    clerk: User
    chief: User
    leader: User
    analyst: User
    county_clerk: User
    tax_clerk: User
    department: Organisation
    county: Organisation


@dataclass(frozen=True)
class Owners:
    """The enterprises that have an account of their own, and the agency that files for others."""

    owner: User
    enterprise: Enterprise
    second_owner: User
    second_enterprise: Enterprise
    agent: User


def appoint_all(root: Organisation) -> People:
    """The officials of the demo, each with the role and place that the name of the account says."""
    roles = take_roles()
    for name, english in _DEPARTMENTS.items():
        make_department(name, root, english)
    departments = {each.name: each for each in root.children.filter(kind=Organisation.Kind.DEPARTMENT)}
    county = Organisation.objects.get(kind=Organisation.Kind.COUNTY, name=_COUNTY)
    county_office = make_department("县经济和信息化局", county, "County Bureau of Economy")
    posts = {
        CLERK: ("林晓晴", "Lin Xiaoqing", "科员", "clerk", departments[_LEAD]),
        CHIEF: ("周远和", "Zhou Yuanhe", "科长", "section_chief", departments[_LEAD]),
        LEADER: ("沈明安", "Shen Ming'an", "副市长", "leader", root),
        ANALYST: ("韩思宁", "Han Sining", "政策分析", "analyst", departments[_LEAD]),
        COUNTY_CLERK: ("陶松平", "Tao Songping", "科员", "clerk", county_office),
        TAX_CLERK: ("秦雨佳", "Qin Yujia", "数据员", "department_clerk", departments[_TAX]),
    }
    made = {}
    for username, (name, english, post, role, place) in posts.items():
        made[username] = make_person(username, name, PASSWORD, english=english, post=post)
        appoint(made[username], roles[role], place)
    return People(
        clerk=made[CLERK],
        chief=made[CHIEF],
        leader=made[LEADER],
        analyst=made[ANALYST],
        county_clerk=made[COUNTY_CLERK],
        tax_clerk=made[TAX_CLERK],
        department=departments[_LEAD],
        county=county_office,
    )


def choose_owners(people: People, registry: DemoRegistry, evaluation: Evaluation) -> Owners:
    """Accounts for an enterprise of the county that is C now and was C before, for the one whose figure slipped by a
    digit, and for the agency that files for the rest.
    """
    assert evaluation.chosen is not None
    now = read_grades(evaluation.chosen.results)
    graded_c = dict(now.filter(now[p.GRADE] == "C").select(CODE, p.PLACE).iter_rows())
    was_c = GradeRecord.objects.filter(year=registry.year - 1, grade="C", ended_at=None)
    slipped = next(each.code for each in registry.anomalies if each.kind == "错位十倍")
    facts = read_panel(evaluation.chosen.facts).frame
    # Not one whose tax came with a wrong sign in the bureau's workbook, nor one of the story's other enterprises.
    paying = set(facts.filter(facts["入库税收"] > 0)[CODE])
    elsewhere = {each.code for each in registry.disputes} | {each.code for each in registry.anomalies}
    filers = (set(registry.monthly[CODE]) & paying) - elsewhere
    candidates = Enterprise.objects.filter(
        code__in=filers & set(graded_c),
        county=people.county.territory,
        scale="规上",
        grades__in=was_c,
    )
    # The nearest to the next grade: what would help is then within reach.
    enterprise = min(candidates, key=lambda each: graded_c[each.code])
    second = Enterprise.objects.get(code=slipped)
    owner = make_person(OWNER, "方晓云", PASSWORD, people.clerk, english="Fang Xiaoyun", post="统计员")
    second_owner = make_person(SECOND_OWNER, "汪明远", PASSWORD, people.clerk, english="Wang Mingyuan")
    agent = make_person(AGENT, "代理填报员", PASSWORD, people.clerk, english="Filing agent")
    represent(people.clerk, owner, enterprise)
    represent(people.clerk, second_owner, second)
    return Owners(owner, enterprise, second_owner, second, agent)


def entrust(people: People, agent: User, enterprises: Iterable[Enterprise]) -> None:
    """The agency acts for these enterprises."""
    for enterprise in enterprises:
        represent(people.clerk, agent, enterprise)
