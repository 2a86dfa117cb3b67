"""What the documentation says is so: commands and options exist, the reference is made from the schema, links resolve."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args, get_origin

import click
import pytest
from pydantic import BaseModel

from muheng.cities.pack import find_policy, list_packs, load_pack
from muheng.cli.answer import KINDS
from muheng.cli.main import HIDDEN_VERBS, VERBS, commands
from muheng.documents.schema import fields_of, flatten
from muheng.documents.toml_file import read_toml
from muheng.policy.compile import compile_policy
from muheng.policy.document import PolicyDocument
from muheng.web.settings.base import ROOMS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "README.en.md", *sorted(DOCS.glob("*.md"))]
COMMON = {"--json", "--lang", "--help"}


def verb_of(name: str) -> click.Command:
    """Of a verb, or of a verb and its act."""
    command: click.Command = commands("zh")
    for word in name.split():
        assert isinstance(command, click.Group), name
        found = command.get_command(click.Context(command), word)
        assert found is not None, name
        command = found
    return command


def acts_of(verb: str) -> list[str]:
    """The verb, or each of its acts with it."""
    command = verb_of(verb)
    if not isinstance(command, click.Group):
        return [verb]
    return [f"{verb} {act}" for act in command.list_commands(click.Context(command))]


ACTS = [act for verb in VERBS for act in acts_of(verb)]


def options_of(command: click.Command) -> set[str]:
    return {flag for param in command.params if isinstance(param, click.Option) for flag in param.opts}


def section(page: str, verb: str) -> str:
    """The part of docs/cli.md that is about a verb."""
    found = re.search(rf"## `muheng {verb}\b.*?(?=\n## |\n<a id|\Z)", page, re.DOTALL)
    assert found is not None, verb
    return found.group()


def models(model: type[BaseModel], known: set[type[BaseModel]] | None = None) -> set[type[BaseModel]]:
    """The model and all that can stand inside it."""
    known = known if known is not None else set()
    if model in known:
        return known
    known.add(model)
    waiting: list[Any] = [info.annotation for info in model.model_fields.values()]
    while waiting:
        for branch in flatten([waiting.pop()]):
            if isinstance(branch, type) and issubclass(branch, BaseModel):
                models(branch, known)
            elif get_origin(branch) is not None:
                waiting.extend(argument for argument in get_args(branch) if argument is not Ellipsis)
    return known


# -- docs/cli.md -----------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ACTS)
def test_every_verb_and_option_is_documented(act: str) -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    part = section(page, act)
    for flag in options_of(verb_of(act)) - COMMON:
        assert f"`{flag}" in part, flag
    verb = act.split()[0]
    assert f"(#{verb})" in page
    assert f'<a id="{verb}"></a>' in page


def test_no_option_is_documented_that_does_not_exist() -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    for act in ACTS:
        documented = set(re.findall(r"^\| `(--[a-z0-9-]+)", section(page, act), re.MULTILINE))
        assert documented <= options_of(verb_of(act)), act
    assert all(f"`{flag}" in page for flag in COMMON)


def test_every_kind_of_error_is_documented() -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    for kind, said in KINDS.items():
        assert f"| `{kind}` | {said} |" in page


# -- commands on every page ------------------------------------------------------------------------


def commands_on(page: Path) -> list[list[str]]:
    """Lines of code blocks and code spans that call muheng."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    lines += re.findall(r"`(muheng [^`]+)`", text)
    called = [
        re.sub(r"^(\.venv/bin/)?muheng ", "", line)
        for line in lines
        if re.match(r"(\.venv/bin/)?muheng ", line)
    ]
    return [words for line in called if (words := shlex.split(line.replace("…", ""), comments=True))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_on_the_pages_exist(page: Path) -> None:
    for verb, *arguments in commands_on(page):
        if verb.startswith("-"):
            assert verb in ("--help", "--version")
            continue
        if verb == "命令":
            continue
        assert verb in (*VERBS, *HIDDEN_VERBS), (page.name, verb)
        named = f"{verb} {arguments[0]}" if arguments else verb
        known = options_of(verb_of(named if named in ACTS else verb))
        for argument in arguments:
            if argument.startswith("--"):
                assert argument.partition("=")[0] in known, (page.name, verb, argument)


@pytest.mark.parametrize("page", ["README.md", "README.en.md"])
def test_make_targets_in_the_readme_exist(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake ([a-z]+)\b", (ROOT / page).read_text(encoding="utf-8")))
    assert targets >= {"run", "setup", "test", "lint"}
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", ["README.md", "README.en.md"])
def test_the_readme_names_every_shipped_policy(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    shipped = set()
    for name in list_packs():
        pack, _ = load_pack(name)
        assert pack is not None
        shipped |= {path.stem for path in pack.policies}
    named = set(re.findall(r"`((?:zj|js|ah|ha)-[a-z0-9-]+)`", text))
    assert named == shipped
    assert all(find_policy(policy).is_file() for policy in named)


# -- links and paths -------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    for link in links:
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.is_file(), (page.name, link)
        if anchor:
            assert f'<a id="{anchor}"></a>' in file.read_text(encoding="utf-8"), (page.name, link)


def test_paths_in_the_design_exist() -> None:
    text = (DOCS / "design.md").read_text(encoding="utf-8")
    library = ROOT / "src" / "muheng"
    made = (ROOT / ".gitignore").read_text(encoding="utf-8").split()  # there only after a run
    for path in set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+(?:/|\.(?:py|md|toml|lock)))`", text)):
        # A pack's own folders and files are named by themselves: layouts/, city.toml.
        places = [ROOT / path, library / path, *library.glob(f"*/{path}"), *library.glob(f"*/*/{path}")]
        assert f"/{path}" in made or any(place.exists() for place in places), path


def test_the_design_names_every_room_and_every_app() -> None:
    text = (DOCS / "design.md").read_text(encoding="utf-8")
    tables = [re.findall(r"^\| `([a-z]+)` \|", table, re.MULTILINE) for table in text.split("\n\n")]
    rooms, apps = [names for names in tables if names]
    folders = (ROOT / "src" / "muheng").iterdir()
    assert sorted(rooms) == sorted(folder.name for folder in folders if (folder / "__init__.py").is_file())
    assert sorted(apps) == sorted(ROOMS)


# -- docs/policy.md --------------------------------------------------------------------------------


def test_the_reference_is_what_the_schema_says(tmp_path: Path) -> None:
    # A process of its own: typing gives equal Literals the order of whichever was imported first.
    made = tmp_path / "policy.md"
    muheng = Path(sys.executable).parent / "muheng"
    subprocess.run([muheng, "reference", "--out", made], check=True, capture_output=True, timeout=60)
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    assert page == made.read_text(encoding="utf-8"), "run: .venv/bin/muheng reference --out docs/policy.md"


@pytest.mark.parametrize("model", sorted(models(PolicyDocument), key=lambda model: model.__name__))
def test_every_key_is_described_with_an_example(model: type[BaseModel]) -> None:
    for key, info in fields_of(model).items():
        assert info.description, key
        extra = info.json_schema_extra
        assert isinstance(extra, dict), key
        example = str(extra["example"])
        assert key in example, key
        file, diagnostics = read_toml(example.replace("{ … }", "{}"))
        assert file is not None, diagnostics


def test_the_first_policy_of_the_reference_compiles_without_a_word() -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    found = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert found is not None
    assert compile_policy(found.group(1)).diagnostics == ()


def test_the_pictures_of_the_site_are_shown_and_taken_by_a_test() -> None:
    """Each is a page that a browser test looks at (``MUHENG_PICTURES=1`` makes them anew), and stays small."""
    kept = {file.name: file.stat().st_size for file in (ROOT / "docs" / "pictures").glob("*.png")}
    shown = "".join(
        (DOCS / f"guide-{name}.md").read_text(encoding="utf-8")
        for name in ("site", "service", "emergency", "monitoring")
    )
    tests = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "tests" / "web" / "browser").glob("test_*.py")
    )
    assert len(kept) >= 8
    for name, size in kept.items():
        assert f"pictures/{name}" in shown, name
        stem = name.removesuffix(".png").partition("-")[0]
        assert re.search(rf'picture\(\w+, f?"{stem}', tests), name
        assert 0 < size < 150_000, name
