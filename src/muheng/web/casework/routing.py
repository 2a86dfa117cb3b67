"""Which office a new case lies with, and which one it is proposed to give it to.

What waits for a desk lies with the county of the enterprise (or with the city); what an office begins itself stays in
that office. Given on, it is proposed to the department whose name the kind's words are found in, the county's before
the city's.
"""

from __future__ import annotations

from muheng.casework.case_type import route
from muheng.casework.document import CaseType
from muheng.web.casework.models import Case
from muheng.web.people.models import Organisation, User
from muheng.web.registry.models import Enterprise

OPEN = "casework.open"


def first_office(
    case_type: CaseType, actor: User | None, enterprise: Enterprise | None, place: Organisation | None
) -> Organisation:
    """Where a case lies when it has been opened."""
    state = case_type.state(case_type.opening.state)
    own = None
    if actor is not None and (state is None or state.waits_for != "desk"):
        held = actor.memberships.select_related("role", "organisation").order_by("pk")
        own = next((each.organisation for each in held if OPEN in each.role.rights), None)
    return own or county_of(_place_of(enterprise, place)) or _city()


def proposed_office(case_type: CaseType, case: Case) -> Organisation | None:
    """The department that a case of this kind belongs to by the words of its type; None where no name has them."""
    county = county_of(_place_of(case.enterprise, case.township or case.county))
    for home in filter(None, (county, _city())):
        departments = list(
            Organisation.objects.filter(kind=Organisation.Kind.DEPARTMENT, parent=home).order_by(
                "order", "pk"
            )
        )
        name = route(case_type, case.kind, [each.name for each in departments])
        if name is not None:
            return next(each for each in departments if each.name == name)
    return None


def _city() -> Organisation:
    return Organisation.objects.filter(kind=Organisation.Kind.CITY).order_by("pk")[0]


def _place_of(enterprise: Enterprise | None, place: Organisation | None) -> Organisation | None:
    return enterprise.county or enterprise.township if enterprise is not None else place


def county_of(place: Organisation | None) -> Organisation | None:
    while place is not None and place.kind != Organisation.Kind.COUNTY:
        place = place.parent
    return place
