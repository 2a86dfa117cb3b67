"""A small city for tests: two counties with their townships, a park, an enterprise's account and officials of each kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stdnum.cn.uscc import calc_check_digit

from muheng.web.people.actions import appoint, make_department, make_person, take_roles
from muheng.web.people.models import Organisation, User
from muheng.web.registry.actions import register_enterprise, represent
from muheng.web.registry.models import Enterprise

PASSWORD = "muheng2026"


@dataclass(frozen=True)
class Population:
    """The city, and who is there. ``enterprises``: seven in the first county (the first three in the park), five in
    the other; ``owner`` acts for the first, ``other_owner`` for the last."""

    root: Organisation
    counties: tuple[Organisation, ...]
    townships: tuple[Organisation, ...]
    park: Organisation
    department: Organisation
    clerk: User
    chief: User
    leader: User
    data_clerk: User
    county_clerk: User
    other_county_clerk: User
    township_clerk: User
    park_clerk: User
    owner: User
    other_owner: User
    enterprises: tuple[Enterprise, ...]

    @property
    def people(self) -> dict[str, User]:
        names = "clerk chief leader data_clerk county_clerk other_county_clerk township_clerk park_clerk owner other_owner"
        return {name: getattr(self, name) for name in names.split()}


def make_code(number: int) -> str:
    """A well-formed credit code that nobody has."""
    body = f"91340500MA{number:07d}"
    return body + str(calc_check_digit(body))


def make_city() -> Population:
    """The city of the tests, through the same actions that the site uses."""
    kind = Organisation.Kind
    root = Organisation.objects.create(
        kind=kind.CITY, name="测试市", english="Testing City", division="340500"
    )
    counties, townships = [], []
    for order, (name, below) in enumerate(
        (("东山区", ("河口镇", "桥头镇")), ("西湖县", ("湖心镇", "沙洲乡")))
    ):
        county = Organisation.objects.create(kind=kind.COUNTY, name=name, parent=root, order=order)
        counties.append(county)
        townships += [
            Organisation.objects.create(kind=kind.TOWNSHIP, name=each, parent=county, order=number)
            for number, each in enumerate(below)
        ]
    park = Organisation.objects.create(
        kind=kind.PARK, name="东山经济开发区", short="东山开发区", parent=counties[0]
    )
    department = make_department("工业和信息化局", root, "Bureau of Industry")
    roles = take_roles()
    people = {
        key: make_person(key, name, PASSWORD)
        for key, name in (
            ("clerk", "经办张"),
            ("chief", "科长李"),
            ("leader", "领导王"),
            ("data_clerk", "税务陈"),
            ("county_clerk", "东山赵"),
            ("other_county_clerk", "西湖钱"),
            ("township_clerk", "河口孙"),
            ("park_clerk", "园区周"),
            ("owner", "企业吴"),
            ("other_owner", "企业郑"),
        )
    }
    for key, role, place in (
        ("clerk", "clerk", department),
        ("chief", "section_chief", department),
        ("leader", "leader", root),
        ("data_clerk", "department_clerk", make_department("税务局", root)),
        ("county_clerk", "clerk", counties[0]),
        ("other_county_clerk", "clerk", counties[1]),
        ("township_clerk", "clerk", townships[0]),
        ("park_clerk", "clerk", park),
    ):
        appoint(people[key], roles[role], place)
    names = [
        "东山精工机械有限公司",
        "东山铸造有限公司",
        "亩衡新材料股份有限公司",
        "河口食品有限公司",
        "桥头电子有限公司",
        "东山化工有限公司",
        "桥头纺织有限公司",
        "西湖机械有限公司",
        "湖心水泥有限公司",
        "沙洲造纸有限公司",
        "西湖电器有限公司",
        "湖心玻璃有限公司",
    ]
    industries = ("34", "33", "26", "13", "39", "26", "17", "34", "30", "22", "38", "30")
    enterprises = []
    for number, (name, industry) in enumerate(zip(names, industries, strict=True)):
        place = townships[number % 2 + (0 if number < 7 else 2)]
        enterprises.append(
            register_enterprise(
                None,
                make_code(number + 1),
                name,
                township=place,
                parks=[park] if number < 3 else (),
                scale="规上" if number % 3 else "规下",
                industry=industry,
                industry_group=f"行业{industry}",
                state="正常",
                registered_on=date(2010 + number, 3, 9),
            )
        )
    represent(None, people["owner"], enterprises[0])
    represent(None, people["other_owner"], enterprises[-1])
    return Population(
        root=root,
        counties=tuple(counties),
        townships=tuple(townships),
        park=park,
        department=department,
        enterprises=tuple(enterprises),
        **people,
    )
