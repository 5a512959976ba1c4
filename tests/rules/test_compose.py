"""The container files: valid, whole, and closed where they must be."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from install import compose_secrets
from placewise.core.settings import NAMES

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DCLINT = ROOT / "node_modules" / "dclint" / "bin" / "dclint.cjs"

Compose = dict[str, Any]


@pytest.fixture(scope="module")
def compose() -> Compose:
    loaded: Compose = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return loaded


def undeclared(compose: Compose) -> list[str]:
    """Every name that a service uses and the file does not declare, and every declared one unused."""
    services: dict[str, Any] = compose["services"]
    used: dict[str, set[str]] = {"networks": set(), "volumes": set(), "secrets": set(), "configs": set()}
    wrong = []
    for name, service in services.items():
        used["networks"] |= set(service.get("networks", ()))
        used["secrets"] |= set(service.get("secrets", ()))
        used["configs"] |= {config["source"] for config in service.get("configs", ())}
        used["volumes"] |= {mount.split(":")[0] for mount in service.get("volumes", ())}
        for other, terms in service.get("depends_on", {}).items():
            if other not in services:
                wrong.append(f"{name} waits for {other}, which is not declared")
            elif terms["condition"] == "service_healthy" and "test" not in services[other]["healthcheck"]:
                wrong.append(f"{name} waits for the health of {other}, which has no check")
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("_FILE") and value.removeprefix("/run/secrets/") not in service["secrets"]:
                wrong.append(f"{name} reads {value}, which it is not given")
    for kind, names in used.items():
        declared = set(compose.get(kind, ()))
        wrong += [f"{kind}: {missing} is not declared" for missing in names - declared]
        wrong += [f"{kind}: {idle} is not used" for idle in declared - names]
    return sorted(wrong)


def dclint(path: Path) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node") or str(ROOT / ".venv-node" / "bin" / "node")
    return subprocess.run(
        [node, DCLINT, "--max-warnings", "0", path], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_the_compose_file_fits_the_schema() -> None:
    done = dclint(COMPOSE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_check_notices_a_misspelt_key(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE.read_text(encoding="utf-8").replace("    healthcheck:", "    healthchek:", 1))
    done = dclint(broken)
    assert done.returncode != 0
    assert "must NOT have additional properties" in done.stdout


def test_every_name_is_declared_and_every_declared_name_is_used(compose: Compose) -> None:
    assert undeclared(compose) == []


def test_the_cross_check_notices_what_is_missing(compose: Compose) -> None:
    broken = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    del broken["secrets"]["door_url"]
    del broken["volumes"]["database"]
    del broken["networks"]["inside"]
    broken["services"]["db"]["configs"][0]["source"] = "other"
    broken["services"]["web"]["depends_on"]["cache"] = {"condition": "service_started"}
    broken["services"]["web"]["secrets"].remove("secret_key")
    assert undeclared(broken) == [
        "configs: other is not declared",
        "configs: own_database is not used",
        "networks: inside is not declared",
        "secrets: door_url is not declared",
        "secrets: secret_key is not used",
        "volumes: database is not declared",
        "web reads /run/secrets/secret_key, which it is not given",
        "web waits for cache, which is not declared",
    ]
    assert undeclared(compose) == []


def test_the_database_is_reached_by_nobody_outside(compose: Compose) -> None:
    database = compose["services"]["db"]
    assert "ports" not in database
    assert database["networks"] == ["inside"]
    assert compose["networks"]["inside"]["internal"] is True


def test_the_web_page_is_published_to_this_machine_only(compose: Compose) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert published == ["127.0.0.1:8000:8000"]


def test_the_web_service_cannot_read_the_superusers_password(compose: Compose) -> None:
    given = compose["services"]["web"]["secrets"]
    assert not [name for name in given if "admin" in name]
    assert "PLACEWISE_ADMIN_URL_FILE" not in compose["services"]["web"]["environment"]


def test_no_secret_stands_in_the_compose_file(compose: Compose) -> None:
    for service in compose["services"].values():
        for variable, value in service.get("environment", {}).items():
            if re.search("URL|KEY|PASSWORD", variable):
                assert variable.endswith("_FILE")
                assert value.startswith("/run/secrets/")


def test_settings_given_to_containers_are_settings_of_placewise(compose: Compose) -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8") + COMPOSE.read_text(encoding="utf-8")
    given = set(re.findall(r"\bPLACEWISE_[A-Z_]+", text))
    assert {name.removesuffix("_FILE") for name in given} <= set(NAMES)


def test_images_are_pinned_by_tag(compose: Compose) -> None:
    images = [service["image"] for service in compose["services"].values() if "image" in service]
    images += re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert images
    for image in images:
        assert re.search(r":\d", image), image


def test_our_own_containers_run_without_rights(compose: Compose) -> None:
    for name in ("web", "migrate"):
        service = compose["services"][name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
    users = re.findall(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert users
    assert int(users[-1]) > 0


def test_the_dockerfile_passes_its_linter() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--failure-threshold", "info", "Dockerfile"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_dockerfile_copies_is_let_into_the_build() -> None:
    let_in = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    copied = set()
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            copied |= set(line.split()[1:-1])
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_secrets_are_made_once_and_closed_to_other_users(tmp_path: Path, compose: Compose) -> None:
    folder = tmp_path / "secrets"
    compose_secrets.ensure(folder)
    made = {path.name: path.read_text() for path in folder.iterdir()}
    compose_secrets.ensure(folder)
    assert {path.name: path.read_text() for path in folder.iterdir()} == made
    assert set(made) == {Path(secret["file"]).name for secret in compose["secrets"].values()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(set(made.values())) == len(made)
    assert urlsplit(made["admin_url.txt"].strip()).password == made["admin_password.txt"].strip()
    for name, role in (("database_url.txt", "placewise_app"), ("door_url.txt", "placewise_door")):
        url = urlsplit(made[name].strip())
        assert (url.username, url.hostname, url.path) == (role, "db", "/placewise")
        assert url.password
        assert len(url.password) >= 32


def test_secrets_are_never_committed() -> None:
    assert "secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
