"""docs/api.md: its examples are run against a real site, one after the other; its limits are the site's."""

from __future__ import annotations

import json
import re
import shlex
from datetime import timedelta
from pathlib import Path
from string import Template
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from muheng.policy.seal import verify_bundle
from muheng.web.api_errors import STATUSES
from muheng.web.casework.models import Case as CaseRow
from muheng.web.emergency.actions.alerts import issue_alert
from muheng.web.emergency.actions.lists import put_in_force
from muheng.web.emergency.actions.plans import adopt_plan
from muheng.web.emergency.models import Alert, EmergencyList, Forecast, Order, Plan
from muheng.web.evaluation.actions.running import ask_trial
from muheng.web.intake.models import Batch
from muheng.web.jobs.actions import run_pending
from muheng.web.monitoring.actions.points import watch_outlet
from muheng.web.paging import MOST
from muheng.web.people.actions import appoint, make_token, take_roles
from muheng.web.registry.actions import add_outlet, represent
from web.emergency.worked_list import workbook_of, worked_inventory
from web.evaluation.city import make_case
from web.intake.workbooks import tax, taxes
from web.population import Population

GUIDE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^curl .*$", GUIDE, re.MULTILINE)


def curl(line: str, folder: Path) -> bytes:
    """What curl would do with the few options that the guide uses."""
    words = iter(shlex.split(line)[1:])
    request, given, fields, out = Request("http://x"), None, [], None
    for word in words:
        match word:
            case "-H":
                name, value = next(words).split(": ", 1)
                request.add_header(name, value)
            case "--json":
                given = next(words).encode()
                request.add_header("Content-Type", "application/json")
            case "-F":
                fields.append(next(words).split("=", 1))
            case "-o":
                out = folder / next(words)
            case _:
                host, _, path = word.removeprefix("http://").partition("/")
                request.full_url = f"http://{host}/{quote(path, safe='/?&=%')}"
    if fields:
        parts = []
        for name, value in fields:
            file = f'; filename="{value[1:]}"' if value.startswith("@") else ""
            content = (folder / value[1:]).read_bytes() if file else value.encode()
            parts.append(
                f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content
            )
        given = b"\r\n".join([*parts, b"--x--\r\n"])
        request.add_header("Content-Type", "multipart/form-data; boundary=x")
    request.data = given
    try:
        with urlopen(request, timeout=30) as answer:
            body: bytes = answer.read()
    except HTTPError as error:
        pytest.fail(f"{line}: {error.code} {error.read().decode()}")
    if out is not None:
        out.write_bytes(body)
    return body


def sign_alert(people: Population) -> Order | None:
    """What other people do when the guide's caller has proposed an alert; gives an order, which is the owner's then."""
    proposed = Alert.objects.filter(state=Alert.State.PROPOSED).first()
    if proposed is not None:
        put_in_force(people.chief, EmergencyList.objects.latest("pk"))
        adopt_plan(people.chief, Plan.objects.latest("pk"))
        issue_alert(people.leader, proposed, number="测环〔2026〕1号")
        run_pending()
        ordered = Order.objects.order_by("pk").first()
        assert ordered is not None
        assert ordered.enterprise is not None
        represent(None, people.owner, ordered.enterprise)
    return Order.objects.filter(lines__gt=0).order_by("pk").first()


def test_every_example_does_what_it_says(live_server: LiveServer, tmp_path: Path) -> None:
    with transaction.atomic():
        case = make_case()
    people = case.people
    ask_trial(people.clerk, case.evaluation, "试算")
    run_pending()
    first, second = people.enterprises[:2]
    (tmp_path / "税务局.xlsx").write_bytes(tax(taxes([first, second], ["坏", 2])).read())
    known = {
        "SITE": live_server.url,
        "KEY": make_token(people.clerk, "guide"),
        "CODE": first.code,
        "EVALUATION": str(case.evaluation.pk),
        "BATCH": "",
        "CASE": "",
        "LIST": "",
        "PLAN": "",
        "OWN": make_token(people.owner, "plant"),
        "TODAY": timezone.localdate().isoformat(),
        "TOMORROW": (timezone.localdate() + timedelta(days=1)).isoformat(),
        "FORECAST": "",
        "ALERT": "",
        "ORDER": "",
        "LINE": "",
        "POINT": str(
            watch_outlet(None, add_outlet(None, first, "DA001", "气"), "stack", timezone.localdate()).pk
        ),
    }
    appoint(people.clerk, take_roles()["air_officer"], people.root)
    (tmp_path / "应急减排清单.xlsx").write_bytes(workbook_of(worked_inventory(people)))
    (tmp_path / "红线图.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n")
    answers: dict[str, object] = {}
    for example in EXAMPLES:
        body = curl(Template(example).substitute(known), tmp_path)
        run_pending()
        known["BATCH"] = str(getattr(Batch.objects.first(), "pk", ""))
        known["CASE"] = getattr(CaseRow.objects.first(), "number", "")
        known["LIST"] = str(getattr(EmergencyList.objects.first(), "pk", ""))
        known["PLAN"] = str(getattr(Plan.objects.first(), "pk", ""))
        known["FORECAST"] = str(getattr(Forecast.objects.first(), "pk", ""))
        known["ALERT"] = str(getattr(Alert.objects.first(), "pk", ""))
        order = sign_alert(people)
        if order is not None:
            known["ORDER"], known["LINE"] = str(order.pk), order.content["lines"][0]["line"]
        if " -o " not in example:
            answers[example.rsplit("/api/", 1)[1].strip('"')] = json.loads(body)
    assert len(EXAMPLES) > 12
    assert answers["me/"]["username"] == "clerk"  # type: ignore[index]
    assert answers["enterprises/?q=东山&limit=10"]["count"] == 3  # type: ignore[index]
    assert answers["intake/batches/$BATCH/undo"]["state"] == "undone"  # type: ignore[index]
    assert answers["evaluations/$EVALUATION/runs"]["count"] == 2  # type: ignore[index]
    shown = answers["cases/$CASE/acts"]
    assert [each["act"] for each in shown["history"]] == ["记一笔", "受理", "登记"]  # type: ignore[index]
    assert len(answers["cases/bulk"]["done"]) == 1  # type: ignore[index]
    assert answers["emergency/lists/$LIST"]["state"] == "draft"  # type: ignore[index]
    assert answers["emergency/plans/$PLAN"]["levels"]["red"]["feasible"]  # type: ignore[index]
    assert len(answers["emergency/plans/$PLAN/why?line=$CODE-1"]["levels"]) == 3  # type: ignore[index]
    assert answers["emergency/forecasts"]["level"] == "orange"  # type: ignore[index]
    assert answers["emergency/orders?in_force=true"]["count"] == 1  # type: ignore[index]
    (check,) = answers["emergency/orders/$ORDER/checks"]["items"]  # type: ignore[index]
    assert check["verdict"] == "done"
    assert verify_bundle(tmp_path / "bundle.zip").proved
    assert (tmp_path / "facts.zip").read_bytes()[:2] == b"PK"


def test_the_error_it_shows_is_the_one_that_comes(program: Any) -> None:
    (shown,) = re.findall(r"```json\n(.*?)\n```", GUIDE)
    assert program("clerk").get("/api/policies/?limit=201").json() == json.loads(shown)


def test_what_it_says_of_limits_and_refusals_is_so() -> None:
    assert f"最多 {MOST}）" in GUIDE
    assert f"JSON 最多 {settings.DATA_UPLOAD_MAX_MEMORY_SIZE >> 20} MB" in GUIDE
    assert f"表格一次最多 {settings.UPLOAD_MAX_FILES} 个" in GUIDE
    assert f"每个最多 {settings.UPLOAD_MAX_BYTES >> 20} MB" in GUIDE
    assert {int(status) for status in re.findall(r"^\| (\d{3}) \|", GUIDE, re.MULTILINE)} == {*STATUSES, 405}
