"""The house itself: every service looks the same, words are kept, and the pages tell the truth."""

import ast
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from catalog_service import rules as catalog_rules
from feedback_service import handling as feedback
from mpp.eventsourcing.decider import Decider
from mpp_contracts.schemas import OWNERS, promised
from mpp_node.__main__ import app
from mpp_node.node import NAMES
from notify_service import handling as notify
from profile_service import handling as profile
from profile_service import reading
from profile_service import rules as profile_rules
from queue_service import mall, rules
from tracking_service import handling as tracking

HOUSE = Path(__file__).parents[1]
SERVICES = sorted(path.parent for path in HOUSE.glob("services/*/pyproject.toml"))
DECISIONS = sorted(HOUSE.glob("docs/decisions/0*.md"))
DECIDERS: dict[str, Decider[Any]] = {
    "catalog mall": catalog_rules.decider,
    "queue hall": rules.decider,
    "queue mall": mall.decider,
    "profile citizen": profile_rules.decider,
    "profile reading": reading.decider,
    "anybody's subject": profile.forgetting.decider,
    **{f"tracking {each.kind}": each for each in tracking.DECIDERS},
    **{f"notify {each.kind}": each for each in notify.DECIDERS},
    **{f"feedback {each.kind}": each for each in feedback.DECIDERS},
}
LINTER = tomllib.loads((HOUSE / "pyproject.toml").read_text())["tool"]["importlinter"]
PURE = {"pydantic", "rpds", "mpp.eventsourcing.decider", *sys.stdlib_module_names}
IMPURE = {"asyncio", "os", "random", "secrets", "socket", "subprocess", "time", "urllib"}
ABOUT_PEOPLE = re.compile(
    r"(?i)(^|_)(nik|nama|name|fullname|phone|telepon|hp|email|birth|birthday|gender|sex|religion|photo|face"
    r"|passport|npwp|ip|latitude|longitude|note|remarks|comment)(_|$)"
)


def ours(*kinds: str) -> Iterator[Path]:
    """Files of the project by suffix or name, hidden folders left out."""
    for folder, folders, files in os.walk(HOUSE):
        folders[:] = sorted(name for name in folders if name[0] != "." and name != "__pycache__")
        found = (Path(folder) / name for name in sorted(files))
        yield from (path for path in found if path.suffix in kinds or path.name in kinds)


def pages() -> list[Path]:
    return list(ours(".md"))


def named(path: Path) -> str:
    return str(path.relative_to(HOUSE))


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_every_service_has_the_same_rooms(service: Path) -> None:
    package = service / f"{service.name}_service"
    rooms = ["__main__.py", "api.py", "handling.py", "views.py", "announcements.py", "py.typed"]
    assert [room for room in rooms if not (package / room).exists()] == []
    assert [
        room for room in ("README.md", "migrations/versions", "tests") if not (service / room).exists()
    ] == []
    assert ("listens=" in (package / "__main__.py").read_text()) == (package / "reactions.py").exists()


def test_every_service_is_known_wherever_services_are_named() -> None:
    """Folders, the node, the contracts, the charts, compose and its gateway speak of the same services."""
    chart = yaml.safe_load((HOUSE / "charts/mpp/values.yaml").read_text())
    compose = yaml.safe_load((HOUSE / "docker/compose.yaml").read_text())["services"]
    routes = yaml.safe_load((HOUSE / "docker/gateway.yaml").read_text())["http"]["routers"]
    built = {name for name, container in compose.items() if "build" in container}
    owners = {owner.__name__.rpartition(".")[2] for owner in OWNERS}
    named = {service.name for service in SERVICES}
    assert named == {*NAMES} == owners == {*chart["global"]["arrows"]} == built == {*routes}
    assert named <= chart.keys()


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.name)
def test_a_service_says_on_one_screen_what_it_owns_accepts_publishes_and_listens_to(service: Path) -> None:
    page = (service / "README.md").read_text()
    assert len(page.splitlines()) <= 60
    assert [word for word in ("owns", "accepts", "publishes", "listens to") if word not in page.lower()] == []


def test_no_file_is_named_after_nothing() -> None:
    nothing = re.compile(r"(^|_)(utils?|commons?|helpers?|managers?|misc|base)(_|\.|$)")
    assert [named(path) for path in ours(".py") if nothing.search(path.name)] == []


def test_every_file_says_first_what_it_is_for() -> None:
    mute = [path for path in ours(".py") if path.stat().st_size and not path.read_text().startswith('"""')]
    assert [named(path) for path in mute] == []


def test_nothing_is_left_for_later_and_no_path_belongs_to_one_machine() -> None:
    unfinished = re.compile("|".join(("TO" + "DO", "FIX" + "ME", r"(?<![\w.])/(wo" + "rk|ro" + r"ot)/")))
    kinds = (".py", ".md", ".sql", ".toml", ".yaml", ".js", ".css", ".html", "Makefile")
    assert [named(path) for path in ours(*kinds) if unfinished.search(path.read_text())] == []


def imports(path: Path) -> set[str]:
    """Dotted names of everything a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            inside = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            found |= {inside + alias.name for alias in node.names}
    return found


def nouns() -> list[str]:
    contract = next(each for each in LINTER["contracts"] if each["id"] == "rules")
    return [str(module) for module in contract["source_modules"]]


@pytest.mark.parametrize("noun", nouns())
def test_a_noun_knows_other_nouns_and_what_is_pure(noun: str) -> None:
    (path,) = HOUSE.glob(f"*/*/{noun.replace('.', '/')}.py")
    own = {each for each in nouns() if each.partition(".")[0] == noun.partition(".")[0]}
    allowed = tuple(f"{each}." for each in PURE - IMPURE | own)
    assert sorted(name for name in imports(path) if not f"{name}.".startswith(allowed)) == []
    assert re.findall(r"\b(?:now|utcnow|today|uuid[14]|new_id|open)\(", path.read_text()) == []


def test_every_package_has_its_place_in_the_directions_of_imports() -> None:
    packages = {path.parent.name for path in HOUSE.glob("*/*/*/py.typed")} | {"mpp_node"}
    assert packages == {*LINTER["root_packages"]}
    containers = {container for each in LINTER["contracts"] for container in each.get("containers", ())}
    assert {f"{service.name}_service" for service in SERVICES} <= containers


@pytest.mark.parametrize("decider", DECIDERS.values(), ids=DECIDERS.keys())
def test_stored_types_are_chosen_words_and_each_is_chosen_once(decider: Decider[Any]) -> None:
    words = [vars(event).get("type", "") for event in decider.events]
    assert [word for word in words if not re.fullmatch(r"[a-z]+(-[a-z]+)*", word)] == []
    assert len({*words}) == len(words)


def fields(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for part in schema.values():
            yield from fields(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from fields(part)


def test_no_event_has_a_field_for_personal_data() -> None:
    stored = [event.model_json_schema() for decider in DECIDERS.values() for event in decider.events]
    told = [field for schema in [*promised().values(), *stored] for field in fields(schema)]
    assert "ticket" in told
    assert sorted({field for field in told if ABOUT_PEOPLE.search(field)}) == []


def test_only_the_entrance_of_a_process_reads_its_environment() -> None:
    packages = [
        *HOUSE.glob("services/*/*_service"),
        HOUSE / "libs/mpp/mpp",
        HOUSE / "libs/contracts/mpp_contracts",
    ]
    reading = re.compile(r"os\.(environ|getenv)")
    files = [path for package in packages for path in package.rglob("*.py") if "testing" not in path.parts]
    assert [named(path) for path in files if reading.search(path.read_text())] == []


def targets() -> set[str]:
    return {*re.findall(r"^([a-z]+):", (HOUSE / "Makefile").read_text(), re.MULTILINE)}


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_command_on_a_page_exists(page: Path) -> None:
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", page.read_text(), re.DOTALL))
    made = {*re.findall(r"(?:^|[`\s;&])make ([a-z]+)", code)}
    told = {*re.findall(r"(?:^|[`\s(/])mpp ([a-z][a-z-]+)", code)}
    assert made <= targets()
    assert told <= {*typer.main.get_command(app).commands}  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_link_on_a_page_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text())
    assert [link for link in links if "://" not in link and not (page.parent / link).exists()] == []


def test_what_is_run_before_a_change_is_accepted_is_what_everybody_runs() -> None:
    steps = [line for line in (HOUSE / ".ci/run").read_text().splitlines() if line.startswith("make ")]
    assert steps == ["make check", "make test"]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_one_page_and_names_the_test_that_holds_it(page: Path) -> None:
    text = page.read_text()
    number = DECISIONS.index(page) + 1
    assert page.name.startswith(f"{number:04d}-")
    assert text.startswith(f"# {number}. ")
    assert len(text.splitlines()) <= 60
    assert re.search(r"^Status: (accepted|replaced by \d+)", text, re.MULTILINE)
    parts = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert parts == ["Why", "Decision", "Measured", "Consequences", "Held by"]
    held = text.partition("## Held by")[2]
    tests = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", held)
    assert tests or "not built yet" in text
    for file, test in tests:
        assert f"def {test}" in (HOUSE / file).read_text()


def test_the_list_of_decisions_is_complete() -> None:
    listed = re.findall(
        r"\| (\d+) \| \[(.+)\]\((.+)\) \| (.+) \|", (HOUSE / "docs/decisions/README.md").read_text()
    )
    written = []
    for page in DECISIONS:
        title, _, status, *_ = page.read_text().splitlines()
        number, _, name = title.removeprefix("# ").partition(". ")
        written.append((number, name, page.name, status.removeprefix("Status: ")))
    assert listed == written
