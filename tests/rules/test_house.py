"""The rules of the house: rooms, sizes, words and settings."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from placewise.core.settings import NAMES

ROOT = Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("placewise", "fixtures", "install", "tests", "benchmarks")
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
#: Where each outside library may be imported; everywhere else is a broken wall.
HOMES = {
    "flask": ("placewise/web/",),
    "folium": ("placewise/web/maps.py",),
    "branca": ("placewise/web/maps.py",),
    "psycopg2": ("placewise/store/",),
    "networkx": ("placewise/network/",),
    "rustworkx": ("placewise/network/",),
    "geopandas": ("placewise/geo/", "placewise/store/", "placewise/intake/"),
    "pyogrio": ("placewise/intake/",),
}
UNKIND = re.compile(r"\bnominals?\b|gang[ -]members?|risky lifestyle|prostitut|\bsuspects?\b", re.IGNORECASE)


def sources(*suffixes: str, folders: tuple[str, ...] = CODE_FOLDERS) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and not {"vendor", "__pycache__"} & set(path.parts):
                yield path


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_rooms_import_one_way() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_longer_than_400_lines() -> None:
    long = {
        name(p): n
        for p in sources(".py", ".js", ".css", ".html", ".sql")
        if (n := len(p.read_text().splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_no_function_is_longer_than_50_lines_of_code() -> None:
    long = {}
    for path in sources(".py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and code_lines(node, path) > LONGEST_FUNCTION
            ):
                long[f"{name(path)}:{node.name}"] = code_lines(node, path)
    assert long == {}


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, path: Path) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    if not body:
        return 0
    lines = path.read_text().splitlines()[body[0].lineno - 1 : node.end_lineno]
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


@pytest.mark.parametrize("library", HOMES)
def test_an_outside_library_stays_in_its_room(library: str) -> None:
    strays = [
        name(path)
        for path in sources(".py", folders=("placewise",))
        if library in imported(path) and not name(path).startswith(HOMES[library])
    ]
    assert strays == []


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


def test_core_imports_the_standard_library_only() -> None:
    strays = {
        name(path): outside
        for path in sources(".py", folders=("placewise/core",))
        if (outside := imported(path) - set(sys.stdlib_module_names) - {"placewise"})
    }
    assert strays == {}


def test_no_room_for_odds_and_ends() -> None:
    odd = {"utils", "helpers", "misc", "manager", "common", "util", "helper"}
    assert [name(path) for path in sources(".py") if path.stem in odd] == []


def test_sql_is_written_in_the_store_alone() -> None:
    statement = re.compile(r"\b(SELECT .+ FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM) ")
    strays = [
        name(path)
        for path in sources(".py", folders=("placewise",))
        if not name(path).startswith("placewise/store/") and statement.search(path.read_text())
    ]
    allowed = {
        "placewise/intake/readers/gpkg_reader.py"
    }  # a GeoPackage is itself a database, read in the sandbox
    assert set(strays) - allowed == set()


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"`(PLACEWISE_[A-Z_]+?)`", (ROOT / "docs/settings.md").read_text()))
    assert set(NAMES) == documented - {f"{n}_FILE" for n in NAMES}


def test_every_environment_variable_we_read_is_a_setting() -> None:
    used = set()
    for path in [
        *sources(".py", folders=("placewise", "install")),
        ROOT / "docker-compose.yml",
        ROOT / "Makefile",
        ROOT / "Dockerfile",
    ]:
        used |= {n.removesuffix("_FILE") for n in re.findall(r"\bPLACEWISE_[A-Z_]+\b", path.read_text())}
    assert used - set(NAMES) == set()


def test_our_words_protect_people() -> None:
    found = [
        f"{name(path)}: {match.group()}"
        for path in sources(".py", ".html", ".js", ".csv", folders=("placewise", "fixtures"))
        for match in UNKIND.finditer(path.read_text())
    ]
    assert found == []


def test_no_test_is_skipped_for_a_missing_database_or_browser() -> None:
    skips = re.compile(r"pytest\.skip\(|mark\.skip|importorskip|mark\.xfail")
    strays = []
    for path in sources(".py", folders=("tests",)):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if (
                skips.search(line)
                and not re.search("real data not present|needs root", line)
                and path != Path(__file__)
            ):
                strays.append(f"{name(path)}:{number}")
    assert strays == []
