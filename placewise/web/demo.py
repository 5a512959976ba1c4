"""The demo: a fictional borough brought in through the same intake as any partner's files."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import placewise
from placewise.core.errors import PlacewiseError
from placewise.core.scope import Role, Scope
from placewise.intake.bring_in import Outcome, Sending, bring_in, hand_back
from placewise.intake.layouts import LAYOUTS
from placewise.intake.limits import COMMAND_LIMITS
from placewise.store.administration import (
    administrator,
    analyse,
    command_email,
    grant_place,
    save_account,
    save_partnership,
)
from placewise.store.door import Door
from placewise.store.session import Database
from placewise.web.demo_accounts import DEMO_ACCOUNTS
from placewise.web.local import PROJECT_ROOT, Connections, Say
from placewise.web.passwords import hashed

SLUG = "demo"
#: A second partnership, empty until someone imports open data: what one holds the other never sees.
OPEN_SLUG = "open-data"
OPEN_AGENCIES = {
    "police": ("Police (open data)", "open_data"),
    "community_safety": ("Community safety team", "community_safety"),
}


class DemoUnavailable(PlacewiseError):
    """The fictional borough could not be made."""


def load_demo(connections: Connections, say: Say) -> None:
    """Make the fictional borough and bring it in, unless this version's is already there.

    An interrupted load is simply run again: records already held are recognised.
    """
    marker = connections.data_dir / "demo-loaded"
    wanted = _fixtures_digest()
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return
    files = connections.data_dir / "demo-files"
    say("Making the fictional borough …")
    _generate(files)
    manifest = json.loads((files / "manifest.json").read_text(encoding="utf-8"))
    _save_partnerships(connections, manifest)
    for entry in sorted(manifest["files"], key=lambda e: e["order"]):
        outcome = import_as_operator(
            connections, SLUG, files / entry["file"], entry["layout"], entry["agency"]
        )
        say(f"  {entry['file']}: {describe(outcome)}")
    _name_places_for_task_group(connections)
    if connections.admin_url:
        analyse(connections.admin_url)
    shutil.rmtree(files)
    marker.write_text(wanted, encoding="utf-8")


def import_as_operator(
    connections: Connections,
    slug: str,
    path: Path,
    layout: str,
    agency: str,
    *,
    account: str | None = None,
    answers: Mapping[str, str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    refusals_to: Path | None = None,
) -> Outcome:
    """Import one file in the name of the partnership's command line, or of ``account``.

    Raises
    ------
    PlacewiseError
        As ``bring_in``; nothing was stored.
    """
    door = Door(connections.door_url, idle_minutes=60, session_hours=12)
    database = Database(connections.database_url, size=2)
    try:
        token, partnership_id = door.start_for_operator(account or command_email(slug), slug)
        scope = Scope(token, partnership_id)
        sending = Sending(path, LAYOUTS[layout], agency, COMMAND_LIMITS, path.name, answers or {})
        try:
            outcome = bring_in(database, scope, sending, on_progress=on_progress)
            if refusals_to and outcome.counts.refused:
                with refusals_to.open("w", newline="", encoding="utf-8") as out:
                    hand_back(database, scope, outcome.batch_id, out)
            return outcome
        finally:
            door.end(token)
    finally:
        database.close()
        door.close()


def describe(outcome: Outcome) -> str:
    """How an import ended, in one line."""
    counts = outcome.counts
    return (
        f"{counts.read:,} rows: {counts.accepted:,} accepted, {counts.duplicate:,} already held, "
        f"{counts.refused:,} refused"
    )


def _generate(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "fixtures", str(folder)],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise DemoUnavailable(f"The fictional borough could not be made:\n{made.stderr.strip()}")


def _fixtures_digest() -> str:
    """What the demo is made from: the generator's code and this version."""
    digest = hashlib.sha256(placewise.__version__.encode())
    for path in sorted((PROJECT_ROOT / "fixtures").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _save_partnerships(connections: Connections, manifest: dict[str, Any]) -> None:
    agencies = {a["code"]: (a["name"], a["kind"]) for a in manifest["agencies"]}
    hashes = {account.email: hashed(account.password) for account in DEMO_ACCOUNTS}
    with administrator(_admin_url(connections)) as connection:
        demo = save_partnership(connection, SLUG, manifest["borough"]["name"], agencies, synthetic=True)
        other = save_partnership(connection, OPEN_SLUG, "Open data trial", OPEN_AGENCIES, synthetic=False)
        for account in DEMO_ACCOUNTS:
            memberships: list[tuple[UUID, str]] = [(demo.partnership_id, account.agency)]
            if account.roles & (Role.COORDINATOR | Role.ANALYST | Role.AUDITOR):
                memberships.append((other.partnership_id, "community_safety"))
            for partnership_id, agency in memberships:
                save_account(
                    connection,
                    account.email,
                    account.name,
                    hashes[account.email],
                    partnership_id=partnership_id,
                    agency=agency,
                    roles=account.roles,
                )


def _name_places_for_task_group(connections: Connections) -> None:
    """Two places for the task-and-finish member, as a chair would name them."""
    task_member = next(account for account in DEMO_ACCOUNTS if account.roles & Role.TASK_MEMBER)
    with administrator(_admin_url(connections)) as connection:
        for place_ref in _first_places(connections):
            grant_place(
                connection,
                task_member.email,
                place_ref,
                slug=SLUG,
                days=90,
                reason="Named for the demonstration's task-and-finish group",
            )


def _first_places(connections: Connections) -> list[str]:
    truth = json.loads((connections.data_dir / "demo-files" / "truth.json").read_text(encoding="utf-8"))
    return [hotspot["place_ref"] for hotspot in truth["hotspots"][:2]]


def _admin_url(connections: Connections) -> str:
    if connections.admin_url is None:
        raise DemoUnavailable("The demo needs PLACEWISE_ADMIN_URL, or no database setting at all.")
    return connections.admin_url
