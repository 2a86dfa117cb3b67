"""The API's description as a stranger reads it: every operation said in Chinese, with its answers and its refusals."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from ninja import Schema

from muheng.web.api import api
from muheng.web.api_errors import STATUSES

CHINESE = re.compile(r"[\u4e00-\u9fff]")
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    """As it goes over the wire."""
    found: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema()))
    return found


def operations(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield f"{method} {path}", operation


def test_the_description_is_open_to_all_and_every_reference_leads_somewhere(
    description: dict[str, Any],
) -> None:
    assert Client().get("/api/openapi.json").json()["info"] == description["info"]
    text = json.dumps(description)
    for kind, name in re.findall(r'"#/components/(\w+)/([^"]+)"', text):
        assert name in description["components"][kind], name


def test_every_operation_is_said_in_chinese(description: dict[str, Any]) -> None:
    assert CHINESE.search(description["info"]["title"])
    # What follows the summary may be English, for the others.
    unsaid = [name for name, operation in operations(description) if not CHINESE.search(operation["summary"])]
    assert unsaid == []


def test_every_parameter_is_explained(description: dict[str, Any]) -> None:
    unsaid = {
        f"{name} {parameter['name']}"
        for name, operation in operations(description)
        for parameter in operation["parameters"]
        if not CHINESE.search(parameter.get("description", ""))
    }
    assert unsaid == set()


def test_names_are_unique_and_tags_are_the_rooms(description: dict[str, Any]) -> None:
    names = Counter(operation["operationId"] for _name, operation in operations(description))
    assert [name for name, times in names.items() if times > 1] == []
    tags = [tag["name"] for tag in description["tags"]]
    assert len(tags) == len(set(tags))
    assert {tag for _name, operation in operations(description) for tag in operation["tags"]} == set(tags)


def test_every_answer_has_a_schema_and_every_refusal_is_declared(description: dict[str, Any]) -> None:
    bare = []
    for name, operation in operations(description):
        responses = operation["responses"]
        assert {str(status) for status in STATUSES} <= set(responses), name
        good = [status for status in responses if status.startswith("2")]
        bare += [name for status in good if status != "204" and not responses[status].get("content")]
        assert good, name
        assert operation["security"]
    assert bare == []


def test_every_list_has_the_one_form(description: dict[str, Any]) -> None:
    """``items``, ``count``, ``next``, by ``limit`` and ``offset``."""
    for name, operation in operations(description):
        content = operation["responses"].get("200", {}).get("content", {}).get("application/json")
        schema = (content or {}).get("schema", {})
        assert schema.get("type") != "array", f"{name} answers a bare list"
        if "Listed_" in schema.get("$ref", ""):
            shown = description["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
            assert set(shown["properties"]) == {"items", "count", "next"}
            asked = {parameter["name"] for parameter in operation["parameters"]}
            assert {"limit", "offset"} <= asked, name


def test_no_two_schemas_have_one_name() -> None:
    """The description knows a schema by its name alone: of two, it would show one."""
    modules = [
        import_module(f"muheng.web.{room}.api")
        for room in settings.ROOMS
        if (room != "audit" and has_api(room))
    ]
    names = Counter(each.__qualname__ for each in schemas(Schema) if each.__module__.startswith("muheng.web"))
    assert modules
    assert [name for name, times in names.items() if times > 1 and "[" not in name] == []


def has_api(room: str) -> bool:
    try:
        import_module(f"muheng.web.{room}.api")
    except ModuleNotFoundError:
        return False
    return True


def schemas(kind: type) -> Iterator[type]:
    for below in kind.__subclasses__():
        yield below
        yield from schemas(below)
