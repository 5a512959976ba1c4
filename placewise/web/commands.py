"""The ``placewise`` command: demo, serve, import, and what an operator needs besides."""

from __future__ import annotations

import csv
import fcntl
import getpass
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from placewise.core.errors import AuditUnsound, PlacewiseError, SettingMissing
from placewise.core.scope import Role
from placewise.core.settings import read, require
from placewise.core.vocabulary import terms
from placewise.intake.findings import Severity
from placewise.intake.layouts import LAYOUTS
from placewise.store.administration import (
    administrator,
    deactivate_account,
    get_partnership_id,
    login_of,
    save_account,
    save_partnership,
    set_login_passwords,
)
from placewise.store.audit_chain import faults, list_heads
from placewise.store.cluster import data_folder
from placewise.store.migrate import migrate
from placewise.store.postgres import make_folders
from placewise.web import serving
from placewise.web.demo import describe, import_as_operator, load_demo
from placewise.web.demo_accounts import DEMO_ACCOUNTS
from placewise.web.local import PROJECT_ROOT, Connections, connections, private_database
from placewise.web.passwords import hashed
from placewise.web.worker import work

SHORTEST_PASSWORD = 15
_LOOK_EVERY_S = 2.0
LOGIN_SETTINGS = ("PLACEWISE_DATABASE_URL", "PLACEWISE_DOOR_URL", "PLACEWISE_WORKER_URL")


@click.group()
def placewise() -> None:
    """Contextual safeguarding for places, peer groups and persons of concern."""


def main() -> None:
    """Run the command; what is expected to go wrong is one sentence and not a traceback."""
    try:
        placewise(standalone_mode=False)
    except PlacewiseError as problem:
        click.echo(f"Error: {problem}", err=True)
        sys.exit(1)
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)


@placewise.command()
def demo() -> None:
    """Look at a fictional borough; Ctrl-C stops everything that was started."""
    begun = time.monotonic()
    signal.signal(signal.SIGTERM, _interrupt)
    with _only_one(data_folder(PROJECT_ROOT)):
        serving.require_free_port()
        say = click.echo
        say("Starting the private PostgreSQL …")
        with private_database(say) as local:
            load_demo(local, say)
            say("Starting the web service …")
            host, port = serving.address()
            settings = {
                **local.environment(),
                "PLACEWISE_ENV": "demo",
                "PLACEWISE_HOSTS": f"{host} localhost",
            }
            with serving.running_worker(settings) as worker, serving.running_service(settings) as service:
                say(f"Ready after {time.monotonic() - begun:.1f} s.\n")
                _print_sign_ins(f"http://{host}:{port}")
                while service.poll() is None:
                    if worker.revive():
                        say("The worker for calculations had ended; another was started.")
                    time.sleep(_LOOK_EVERY_S)
                raise serving.WebServiceEnded("The web service ended by itself. Run make demo again.")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _print_sign_ins(address: str) -> None:
    click.echo(f"  {address}\n\n  Sign in with any of these; the password is the same for all:\n")
    for account in DEMO_ACCOUNTS:
        click.echo(f"    {account.email:<28} {account.may}")
    click.echo(
        f"\n    password: {DEMO_ACCOUNTS[0].password}\n\n  Every record is fictional. Ctrl-C stops everything.\n"
    )


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the demo's lock; a second demo says who holds it.

    Raises
    ------
    WebServiceEnded
        Another demo runs in this folder.
    """
    make_folders(folder, passable=True)
    with (folder / "demo.lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise serving.WebServiceEnded(
                f"Placewise already runs here ({lock.read().strip()}). Stop it there with Ctrl-C, or open its address."
            ) from None
        host, port = serving.address()
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, http://{host}:{port}")
        lock.flush()
        yield


@placewise.command()
def serve() -> None:
    """Serve with the settings of the environment (see docs/settings.md)."""
    serving.serve_in_place()


@placewise.command()
def worker() -> None:
    """Do the long calculations that pages ask for (PLACEWISE_WORKER_URL; see docs/settings.md)."""
    work()


@placewise.command("migrate")
def migrate_command() -> None:
    """Bring the database of PLACEWISE_ADMIN_URL to this version, and give its logins their passwords."""
    admin_url = require("PLACEWISE_ADMIN_URL")
    done = migrate(admin_url, say=click.echo)
    logins = dict(login_of(url) for name in LOGIN_SETTINGS if (url := read(name)))
    with administrator(admin_url) as connection:
        set_login_passwords(connection, {name: password for name, password in logins.items() if password})
    click.echo(f"{len(done)} migrations applied." if done else "Nothing to do.")


@placewise.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--layout", type=click.Choice(sorted(LAYOUTS)), required=True, help="What the file's columns are."
)
@click.option("--partnership", required=True, help="Short name of the partnership, such as demo.")
@click.option("--agency", default="police", show_default=True, help="Code of the agency that sent the file.")
@click.option("--as", "account", help="E-mail address of the account to act as.")
@click.option(
    "--answer", "answers", multiple=True, metavar="CODE=ANSWER", help="Answer to a question about the file."
)
@click.option(
    "--refusals", type=click.Path(dir_okay=False, path_type=Path), help="Write refused rows to this CSV file."
)
def import_command(  # noqa: PLR0917 - click passes the options by name
    file: Path,
    layout: str,
    partnership: str,
    agency: str,
    account: str | None,
    answers: tuple[str, ...],
    refusals: Path | None,
) -> None:
    """Bring a partner's file in; every row ends accepted, already held, or refused with its reason."""
    with connections(click.echo) as local, _progress(file) as progress:
        outcome = import_as_operator(
            local,
            partnership,
            file,
            layout,
            agency,
            account=account,
            answers=dict(_answer(text) for text in answers),
            on_progress=progress,
            refusals_to=refusals,
        )
    click.echo(describe(outcome) + ".")
    for finding in outcome.findings:
        if finding.severity is Severity.WARN:
            click.echo(f"  Note: {finding.message}")
    if refusals and outcome.counts.refused:
        click.echo(f"  Refused rows are in {refusals}: mend them and import that file.")


def _answer(text: str) -> tuple[str, str]:
    code, separator, answer = text.partition("=")
    if not separator:
        raise click.BadParameter(f"{text!r} is not CODE=ANSWER.", param_hint="--answer")
    return code, answer


@contextmanager
def _progress(file: Path) -> Iterator[Callable[[int, int], None]]:
    """A bar on the terminal that follows the bytes read."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(file.name, total=file.stat().st_size)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@placewise.group()
def partnership() -> None:
    """Partnerships and their agencies."""


@partnership.command("add")
@click.argument("slug")
@click.argument("name")
@click.option(
    "--agency", "agencies", multiple=True, required=True, metavar="CODE:KIND:NAME", help="May be repeated."
)
def add_partnership(slug: str, name: str, agencies: tuple[str, ...]) -> None:
    """Add a partnership with its agencies."""
    parts = dict(_agency(text) for text in agencies)
    with connections(click.echo) as local, administrator(_admin_url(local)) as connection:
        save_partnership(connection, slug, name, parts, synthetic=False)
    click.echo(f"{name} is ready at /p/{slug}/. Add accounts with: placewise account add")


def _agency(text: str) -> tuple[str, tuple[str, str]]:
    code, _, rest = text.partition(":")
    kind, _, name = rest.partition(":")
    if not (code and name and kind in terms("agency_kind")):
        kinds = ", ".join(terms("agency_kind"))
        raise click.BadParameter(
            f"{text!r} is not CODE:KIND:NAME with a kind of {kinds}.", param_hint="--agency"
        )
    return code, (name, kind)


@placewise.group()
def account() -> None:
    """People's accounts."""


@account.command("add")
@click.argument("email")
@click.argument("name")
@click.option("--partnership", required=True)
@click.option("--agency", required=True, help="Code of the person's agency.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(list(terms("role"))))
def add_account(email: str, name: str, partnership: str, agency: str, roles: tuple[str, ...]) -> None:
    """Add an account, or a membership of an existing one; asks for the password."""
    password = getpass.getpass("Password (15 characters or more): ")
    if len(password) < SHORTEST_PASSWORD:
        raise click.BadParameter(f"The password needs at least {SHORTEST_PASSWORD} characters.")
    with connections(click.echo) as local, administrator(_admin_url(local)) as connection:
        save_account(
            connection,
            email,
            name,
            hashed(password),
            partnership_id=get_partnership_id(connection, partnership),
            agency=agency,
            roles=Role.of(list(roles)),
        )
    click.echo(f"{email} can sign in.")


@account.command("close")
@click.argument("email")
def close_account(email: str) -> None:
    """Close an account and end its sessions at once."""
    with connections(click.echo) as local, administrator(_admin_url(local)) as connection:
        deactivate_account(connection, email)
    click.echo(f"{email} is closed; its sessions have ended.")


def _admin_url(local: Connections) -> str:
    if local.admin_url is None:
        raise SettingMissing("Set PLACEWISE_ADMIN_URL for this command; see docs/settings.md.")
    return local.admin_url


@placewise.command("verify-audit")
def verify_audit() -> None:
    """Check every audit chain and print its head; keep the heads elsewhere to notice a cut chain."""
    sound = True
    with connections(click.echo) as local, administrator(_admin_url(local)) as connection:
        for head in list_heads(connection):
            found = list(faults(connection, head))
            sound = sound and not found
            click.echo(
                f"{head.partnership_id}  event {head.seq}  {head.hash}  {'sound' if not found else ''}"
            )
            for fault in found:
                click.echo(f"  {fault}")
    if not sound:
        raise AuditUnsound("The audit log was changed. Tell the data protection officer.")


@placewise.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def templates(folder: Path) -> None:
    """Write an empty template of each partner layout as CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    for layout in LAYOUTS.values():
        with (folder / f"{layout.name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow([column.name for column in layout.columns])
    click.echo(f"{len(LAYOUTS)} templates are in {folder}.")
