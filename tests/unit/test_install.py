"""Installation: what is missing is installed once, and what cannot be is said with the command."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from install import front_end, python_packages, system
from install.progress import InstallProblem, run, step


class Machine:
    """A made-up machine: programs that only write down how they were called."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        self.programs.mkdir()
        self.calls = folder / "calls"
        self.calls.touch()
        monkeypatch.setenv("PATH", f"{self.programs}{os.pathsep}/usr/bin{os.pathsep}/bin")
        monkeypatch.setattr(system, "_SERVERS", folder / "servers")
        monkeypatch.setattr(system, "_SHARES", folder / "shares")
        monkeypatch.setattr(system, "_CLUSTER_SETTINGS", folder / "createcluster.d")
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        self.program("apt-get")
        self.offers("15")
        self.program("dpkg-query", "printf installed")
        self.program("chromium")

    def program(self, name: str, body: str = "true") -> None:
        path = self.programs / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.calls}\n{body}\n')
        path.chmod(0o755)

    def offers(self, *versions: str, after: str = "") -> None:
        """Let apt know PostGIS for these versions, perhaps only ``after`` some call was made."""
        told = f"grep -q '{after}' {self.calls} || exit 0\n" if after else ""
        names = "".join(f"echo 'postgresql-{version}-postgis-3 - maps'\n" for version in versions)
        policy = "if test $1 = policy; then echo '  Candidate: 1'; exit; fi\n"
        self.program("apt-cache", policy + told + names)

    def has_postgresql(self, version: str, *, postgis: bool) -> None:
        initdb = self.folder / "servers" / version / "bin" / "initdb"
        initdb.parent.mkdir(parents=True)
        initdb.touch()
        if postgis:
            control = self.folder / "shares" / version / "extension" / "postgis.control"
            control.parent.mkdir(parents=True)
            control.touch()

    def called(self, name: str) -> list[str]:
        return [line for line in self.calls.read_text().splitlines() if line.startswith(f"{name} ")]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


APT = "apt-get --option DPkg::Lock::Timeout=300"
INSTALL = f"{APT} install --yes --no-install-recommends"


def test_nothing_is_installed_where_all_is_there(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.has_postgresql("15", postgis=True)
    system.ensure(tests=True)
    assert machine.called("apt-get") == []
    assert capsys.readouterr().out == (
        "Checking PostgreSQL with PostGIS … found 15\nChecking system packages … all there\n"
    )


def test_missing_packages_are_installed_together_without_an_update(machine: Machine) -> None:
    machine.program("dpkg-query", "printf not-installed")
    system.ensure(tests=False)
    assert machine.called("apt-get") == [f"{INSTALL} libseccomp2 fonts-liberation postgresql-15-postgis-3"]


def test_package_lists_are_fetched_only_when_a_package_is_not_found(machine: Machine) -> None:
    machine.offers("16", after=" update$")
    system.ensure(tests=False)
    assert machine.called("apt-get") == [f"{APT} update", f"{INSTALL} postgresql-16-postgis-3"]


def test_package_lists_that_are_out_of_date_are_fetched_again(machine: Machine) -> None:
    machine.program("apt-get", f"test $3 = update || grep -q ' update$' {machine.calls}")
    system.ensure(tests=False)
    install = f"{INSTALL} postgresql-15-postgis-3"
    assert machine.called("apt-get") == [install, f"{APT} update", install]


def test_a_package_that_apt_does_not_have_is_a_clear_end(machine: Machine) -> None:
    machine.offers()
    with pytest.raises(InstallProblem, match="apt offers no package"):
        system.ensure(tests=False)


def test_a_server_that_is_there_gets_its_own_postgis(machine: Machine) -> None:
    machine.has_postgresql("14", postgis=False)
    machine.offers("9", "14", "16")
    system.ensure(tests=False)
    assert machine.called("apt-get") == [f"{INSTALL} postgresql-14-postgis-3"]


def test_the_newest_postgis_on_offer_is_taken(machine: Machine) -> None:
    machine.offers("9", "14", "16")
    system.ensure(tests=False)
    assert machine.called("apt-get") == [f"{INSTALL} postgresql-16-postgis-3"]


def test_debian_starts_no_server_of_its_own_and_its_settings_are_as_before(machine: Machine) -> None:
    note = machine.folder / "createcluster.d" / "placewise.conf"
    machine.program("apt-get", f"cp {note} {machine.folder}/seen")
    system.ensure(tests=False)
    assert (machine.folder / "seen").read_text() == "create_main_cluster = false\n"
    assert not note.parent.exists()


def test_debians_settings_are_as_before_after_a_failure(machine: Machine) -> None:
    machine.program("apt-get", "exit 100")
    with pytest.raises(InstallProblem, match="ended with code 100"):
        system.ensure(tests=False)
    assert not (machine.folder / "createcluster.d").exists()


def test_without_root_or_sudo_the_command_is_printed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.program("sudo", "exit 1")
    with pytest.raises(
        InstallProblem, match="sudo apt-get install --yes --no-install-recommends postgresql-15-postgis-3\n"
    ):
        system.ensure(tests=False)
    assert machine.called("apt-get") == []


def test_sudo_is_used_where_it_asks_nothing(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    machine.program("sudo", 'shift; "$@"')
    system.ensure(tests=False)
    assert machine.called("apt-get") == [f"{INSTALL} postgresql-15-postgis-3"]
    assert f"sudo -n env DEBIAN_FRONTEND=noninteractive {INSTALL} postgresql-15-postgis-3" in machine.called(
        "sudo"
    )


def test_another_system_is_told_what_it_needs(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(machine.programs))
    (machine.programs / "apt-get").unlink()
    with pytest.raises(InstallProblem, match="installs on Debian and Ubuntu"):
        system.ensure(tests=False)


def test_python_packages_are_installed_again_only_when_the_file_changed(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    python = venv / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    python.chmod(0o755)
    small, large = tmp_path / "small.txt", tmp_path / "large.txt"
    small.write_text("a==1")
    large.write_text("a==1\nb==1")
    for requirements in (small, small, large, small):
        python_packages.install_hashed(venv, requirements, label="Installing", also_enough=large)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split("/")[-1] for call in calls] == ["small.txt", "large.txt"]
    assert all("--require-hashes" in call for call in calls)
    large.write_text("a==2\nb==1")
    python_packages.install_hashed(venv, large, label="Installing")
    assert len((tmp_path / "calls").read_text().splitlines()) == 3


def test_an_interrupted_installation_is_not_taken_for_done(tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("a==1")
    for _ in range(2):
        with pytest.raises(InstallProblem):
            python_packages.install_hashed(tmp_path, requirements, label="Installing")


@pytest.mark.parametrize(
    ("version", "taken"), [("v18.19.0", False), ("v20.18.9", False), ("v20.19.0", True), ("v24.1.0", True)]
)
def test_the_systems_node_is_taken_when_it_is_new_enough(
    version: str, taken: bool, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.program("node", f"echo {version}")
    machine.program("npm")
    made: list[Path] = []
    monkeypatch.setattr(front_end, "make_venv", lambda venv, **_: made.append(venv))
    monkeypatch.setattr(front_end, "install_hashed", lambda venv, *_, **__: made.append(venv))
    programs = front_end._node_programs(machine.folder)
    assert (programs == machine.programs) is taken
    assert bool(made) is not taken


def test_a_failure_shows_the_last_lines_and_the_advice() -> None:
    with pytest.raises(InstallProblem) as caught:
        run(["sh", "-c", "seq 40; exit 3"], advice="Do this next.")
    assert "\n40\n" in f"\n{caught.value}"
    assert "\n25\n" not in f"\n{caught.value}"
    assert str(caught.value).endswith("ended with code 3. Do this next.")


def test_a_program_that_is_missing_is_named() -> None:
    with pytest.raises(InstallProblem, match=r"no-such-program cannot be run: No such file"):
        run(["no-such-program"], advice="")


def test_each_step_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 16.2])
    monkeypatch.setattr("install.progress.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    with step("Installing things") as line:
        line.outcome = "3 installed"
    assert capsys.readouterr().out == "Installing things … 3 installed (16 s)\n"
