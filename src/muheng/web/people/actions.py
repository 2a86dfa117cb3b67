"""What is done with accounts, roles, places and keys. The demo and the pages go the same way."""

from __future__ import annotations

import tomllib
from datetime import datetime
from importlib.resources import files
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from muheng.cities.pack import City
from muheng.web.audit.actions import record
from muheng.web.people.models import Membership, Organisation, Role, Token, User
from muheng.web.people.rights import RIGHTS
from muheng.web.refusal import Refused


@transaction.atomic
def found_city(city: City, actor: User | None = None) -> Organisation:
    """Make the tree of a city pack: counties with their townships, parks, departments.

    Running it again adds what is new.
    """
    kind = Organisation.Kind
    root = _place(kind.CITY, city.name, None, division=city.division, english=city.english)
    counties = {}
    for order, county in enumerate(city.county):
        node = _place(kind.COUNTY, county.name, root, division=county.code, order=order)
        counties[county.name] = node
        for number, township in enumerate(county.townships):
            _place(kind.TOWNSHIP, township, node, order=number)
    parks = {}
    for order, park in enumerate(city.park):
        above = counties.get(park.county or "", root)
        parks[park.name] = _place(kind.PARK, park.name, above, short=park.short or "", order=order)
    homes = counties | parks
    departments: dict[str, Organisation] = {}
    for order, department in enumerate(city.department):
        home = departments.get(department.under or "") or homes.get(department.place or "", root)
        departments[department.name] = _place(
            kind.DEPARTMENT, department.name, home, english=department.english, order=order
        )
    record(actor, "people.found_city", root)
    return root


def _place(kind: str, name: str, parent: Organisation | None, **fields: Any) -> Organisation:
    found, _made = Organisation.objects.get_or_create(kind=kind, name=name, parent=parent, defaults=fields)
    return found


@transaction.atomic
def make_department(
    name: str, parent: Organisation, english: str = "", actor: User | None = None
) -> Organisation:
    """A department of a city, county or park."""
    made = _place(Organisation.Kind.DEPARTMENT, name, parent, english=english)
    record(actor, "people.make_department", made)
    return made


@transaction.atomic
def set_role(code: str, name: str, english: str, rights: list[str], actor: User | None = None) -> Role:
    """Make a role or change what it may do. Raises Refused for a right that does not exist."""
    unknown = sorted(set(rights) - set(RIGHTS))
    if unknown:
        raise Refused(_("没有名为“%(right)s”的权限。") % {"right": unknown[0]}, status=422, code="invalid")
    role, _made = Role.objects.update_or_create(
        code=code, defaults={"name": name, "english": english, "rights": rights}
    )
    record(actor, "people.set_role", role, rights=rights)
    return role


def take_roles(actor: User | None = None) -> dict[str, Role]:
    """The roles that come with the site, by code; those that a city has changed stay as they are."""
    text = files("muheng.web.people").joinpath("roles.toml").read_text(encoding="utf-8")
    held = {role.code: role for role in Role.objects.all()}
    for code, role in tomllib.loads(text).items():
        if code not in held:
            held[code] = set_role(code, role["name"], role["english"], role["rights"], actor)
    return held


@transaction.atomic
def make_person(
    username: str, name: str, password: str | None, actor: User | None = None, **fields: Any
) -> User:
    """An account; without a password nobody logs in to it. Raises Refused where the name is taken."""
    if User.objects.filter(username=username).exists():
        raise Refused(
            _("用户名“%(name)s”已经有人用了。") % {"name": username}, _("请换一个。"), at="username"
        )
    person = User.objects.create_user(username, name, password, **fields)
    record(actor, "people.make_person", person)
    return person


@transaction.atomic
def appoint(person: User, role: Role, organisation: Organisation, actor: User | None = None) -> Membership:
    """Give a person a role at a place."""
    held, made = Membership.objects.get_or_create(user=person, role=role, organisation=organisation)
    if made:
        record(actor, "people.appoint", person, role=role.code, organisation=organisation.path)
    return held


@transaction.atomic
def make_token(person: User, name: str, expires_at: datetime | None = None) -> str:
    """A key for programs; it is shown this once."""
    key = Token.make_key()
    token = Token.objects.create(
        user=person, name=name[:80], digest=Token.digest_of(key), expires_at=expires_at
    )
    record(person, "people.make_token", token)
    return key


@transaction.atomic
def end_token(person: User, number: int) -> None:
    """A key opens nothing any more."""
    token = Token.objects.filter(pk=number, user=person, ended_at=None).first()
    if token is None:
        raise Refused(_("没有这把密钥，或已停用。"), status=404, code="not_found")
    Token.objects.filter(pk=token.pk).update(ended_at=timezone.now())
    record(person, "people.end_token", token)
