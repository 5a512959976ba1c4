"""The private cluster: what it survives, who may reach it, who stops it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from placewise.core.errors import ClusterUnavailable
from placewise.store import cluster as cluster_module
from placewise.store.cluster import PrivateCluster, data_folder
from placewise.store.postgres import Identity, Programs, find_programs

ROOT = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.getuid() != 0, reason="changing user needs root")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the server's user can reach; pytest's own is closed to it under root."""
    parent = Path(tempfile.mkdtemp(prefix="placewise-test-"))
    parent.chmod(0o711)
    yield parent / "cluster"
    cluster = PrivateCluster(parent / "cluster")
    cluster.halt()
    shutil.rmtree(cluster.socket_folder, ignore_errors=True)
    shutil.rmtree(parent)


@pytest.fixture
def cluster(home: Path) -> Iterator[PrivateCluster]:
    with PrivateCluster(home, fast=True) as started:
        yield started


def ask(cluster: PrivateCluster, question: str) -> object:
    connection = psycopg2.connect(cluster.superuser_dsn())
    try:
        with connection.cursor() as cursor:
            cursor.execute(question)
            row = cursor.fetchone()
            assert row is not None
            return row[0]
    finally:
        connection.close()


def server_pid(cluster: PrivateCluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split("\n")[0])


def in_other_process(home: Path, then: str) -> subprocess.Popen[str]:
    program = f"""
        import sys, time
        from pathlib import Path
        from placewise.store.cluster import PrivateCluster, data_folder
        cluster = PrivateCluster(Path({str(home)!r}), fast=True)
        {then}
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_makes_an_empty_database_and_stops_with_its_owner(home: Path) -> None:
    with PrivateCluster(home) as cluster:
        assert cluster.owner
        assert ask(cluster, "SELECT current_database()") == "placewise"
        assert ask(cluster, "SELECT count(*) FROM pg_extension WHERE extname = 'postgis'") == 0
    with pytest.raises(psycopg2.OperationalError):
        ask(cluster, "SELECT 1")


def test_data_survive_a_stop_and_a_start(home: Path) -> None:
    with PrivateCluster(home) as cluster:
        connection = psycopg2.connect(cluster.superuser_dsn())
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        connection.close()
    with PrivateCluster(home) as cluster:
        assert ask(cluster, "SELECT answer FROM kept") == 42


def test_listens_on_no_network_address(cluster: PrivateCluster) -> None:
    assert ask(cluster, "SHOW listen_addresses") == ""
    inodes = {
        link.readlink().name
        for link in Path(f"/proc/{server_pid(cluster)}/fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    tcp = "".join(Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
    assert inodes
    assert not [inode for inode in inodes if f" {inode[8:-1]} " in tcp]


def test_files_and_socket_are_closed_to_others(cluster: PrivateCluster) -> None:
    server = Identity.choose().uid
    assert stat.S_IMODE(cluster.socket_folder.stat().st_mode) == 0o700
    assert cluster.socket_folder.stat().st_uid == server
    assert stat.S_IMODE(cluster.data.stat().st_mode) == 0o700
    assert Path(f"/proc/{server_pid(cluster)}").stat().st_uid == server != 0
    password = cluster.home / "password"
    assert password.stat().st_uid == os.getuid()
    assert password.stat().st_mode & 0o007 == 0
    for lock in ("lock", "owner"):
        assert stat.S_IMODE((cluster.home / lock).stat().st_mode) == 0o600


def test_refuses_a_connection_without_the_password(cluster: PrivateCluster) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(cluster.superuser_dsn(), password="guess")


def test_caller_settings_for_another_server_do_not_matter(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATA", "/nowhere")
    monkeypatch.setenv("TMPDIR", "/nowhere")
    with PrivateCluster(home) as cluster:
        assert ask(cluster, "SELECT 1") == 1


def test_a_second_starter_joins_and_does_not_stop_it(cluster: PrivateCluster, home: Path) -> None:
    with PrivateCluster(home) as second:
        assert not second.owner
        assert second.superuser_dsn() == cluster.superuser_dsn()
    assert ask(cluster, "SELECT 1") == 1


def test_of_four_racing_starters_one_owns_and_all_can_work(home: Path) -> None:
    work = """
        cluster.start()
        import psycopg2
        psycopg2.connect(cluster.superuser_dsn()).close()
        print("owner" if cluster.owner else "guest", flush=True)
        sys.stdin.read()
        cluster.stop()
    """
    racers = [
        in_other_process(home, textwrap.indent(textwrap.dedent(work), " " * 8).strip()) for _ in range(4)
    ]
    said = [racer.stdout.readline().strip() for racer in racers if racer.stdout]
    for racer in racers:
        racer.communicate(timeout=60)
    assert sorted(said) == ["guest", "guest", "guest", "owner"]
    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    assert not (home / "data" / "postmaster.pid").exists()


def test_a_killed_owner_is_replaced_by_the_next_starter(home: Path) -> None:
    first = in_other_process(home, "cluster.start(); print('up', flush=True); time.sleep(600)")
    assert first.stdout
    assert first.stdout.readline() == "up\n"
    first.kill()
    first.communicate()
    with PrivateCluster(home) as second:
        assert second.owner
        assert ask(second, "SELECT 1") == 1
    assert not (home / "data" / "postmaster.pid").exists()
    assert not second.socket_folder.exists()


def test_a_killed_server_is_started_again(cluster: PrivateCluster) -> None:
    before = server_pid(cluster)
    os.kill(before, signal.SIGKILL)
    cluster.start()
    assert server_pid(cluster) != before
    assert cluster.owner
    assert ask(cluster, "SELECT 1") == 1


def test_a_server_killed_at_work_is_started_again(cluster: PrivateCluster) -> None:
    busy = psycopg2.connect(cluster.superuser_dsn())
    os.kill(server_pid(cluster), signal.SIGKILL)
    cluster.start()
    assert ask(cluster, "SELECT 1") == 1
    busy.close()


def test_a_lock_file_that_names_a_stranger_does_not_block_the_start(home: Path) -> None:
    with PrivateCluster(home, fast=True) as cluster:
        leftover = (cluster.data / "postmaster.pid").read_text().split("\n")
    leftover[0] = str(os.getpid())  # after a restart of the machine numbers are dealt anew
    pid_file = cluster.data / "postmaster.pid"
    pid_file.write_text("\n".join(leftover))
    with PrivateCluster(home, fast=True) as again:
        assert ask(again, "SELECT 1") == 1


def test_an_interrupted_first_start_is_begun_again(home: Path) -> None:
    unfinished = home / "data.unfinished"
    unfinished.mkdir(parents=True)
    home.chmod(0o711)
    (unfinished / "PG_VERSION").write_text("15\n")
    with PrivateCluster(home, fast=True) as cluster:
        assert ask(cluster, "SELECT 1") == 1
    assert not unfinished.exists()


def test_a_start_that_fails_leaves_nothing_running(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: PrivateCluster) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PrivateCluster, "_create_database", fail)
    cluster = PrivateCluster(home, fast=True)
    with pytest.raises(KeyboardInterrupt):
        cluster.start()
    assert not cluster.owner
    assert not (home / "data" / "postmaster.pid").exists()


def test_a_server_that_will_not_start_says_why(home: Path) -> None:
    with PrivateCluster(home, fast=True) as cluster:
        pass
    with (cluster.data / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(ClusterUnavailable, match="no_such_setting"):
        cluster.start()


def test_refuses_data_of_another_major_version(home: Path) -> None:
    with PrivateCluster(home, fast=True) as cluster:
        pass
    (cluster.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(ClusterUnavailable, match="belong to PostgreSQL 9, installed is"):
        cluster.start()


def test_says_what_to_run_when_postgresql_is_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: int | None = None) -> Programs:
        raise ClusterUnavailable("PostgreSQL with PostGIS is not installed; run: make install")

    monkeypatch.setattr(cluster_module, "find_programs", missing)
    with pytest.raises(ClusterUnavailable, match="make install"):
        PrivateCluster(home).start()


def test_finds_a_server_with_its_version() -> None:
    programs = find_programs()
    assert programs == find_programs(programs.major)
    assert (programs.folder / "initdb").exists()


def test_refuses_a_socket_folder_that_is_a_link(home: Path, tmp_path: Path) -> None:
    cluster = PrivateCluster(home)
    cluster.socket_folder.symlink_to(tmp_path)
    try:
        with pytest.raises(ClusterUnavailable, match="is not a folder"):
            cluster.start()
    finally:
        cluster.socket_folder.unlink()


@as_root
def test_refuses_a_socket_folder_that_someone_else_made(home: Path) -> None:
    cluster = PrivateCluster(home)
    cluster.socket_folder.mkdir()
    os.chown(cluster.socket_folder, pwd.getpwnam("nobody").pw_uid, -1)
    with pytest.raises(ClusterUnavailable, match="belongs to user"):
        cluster.start()


@as_root
def test_an_ordinary_user_starts_it_as_themselves(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(home.parent, nobody.pw_uid, nobody.pw_gid)
    become = f"import os; os.setgroups([]); os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid})"
    work = f"cluster = PrivateCluster(Path({str(home)!r})).start(); print(cluster.owner, flush=True)"
    starter = in_other_process(home, f"{become}; {work}; sys.stdin.read(); cluster.stop()")
    assert starter.stdout
    assert starter.stdout.readline() == "True\n"
    pid = int((home / "data" / "postmaster.pid").read_text().split("\n")[0])
    assert Path(f"/proc/{pid}").stat().st_uid == nobody.pw_uid
    starter.communicate(timeout=60)
    assert starter.returncode == 0
    assert not (home / "data" / "postmaster.pid").exists()
    os.chown(home.parent, 0, 0)
    with pytest.raises(ClusterUnavailable, match="work as that user"):
        PrivateCluster(home).start()
    os.chown(home, 0, 0)


@as_root
def test_a_folder_that_the_server_cannot_reach_is_refused_with_advice(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(ClusterUnavailable, match=r"cannot pass through .* set PLACEWISE_DATA_DIR"):
        PrivateCluster(tmp_path / "cluster").start()


@as_root
def test_a_clone_that_the_server_cannot_reach_keeps_its_data_elsewhere(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLACEWISE_DATA_DIR", raising=False)
    tmp_path.chmod(0o700)
    assert data_folder(tmp_path).parent == Path("/var/lib/placewise")
    assert data_folder(tmp_path) != data_folder(tmp_path / "other")
    assert data_folder(home.parent) == home.parent / ".placewise"


def test_a_data_folder_that_is_set_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACEWISE_DATA_DIR", str(tmp_path / "set"))
    assert data_folder(Path("/root")) == tmp_path / "set"


def test_halt_stops_a_server_whoever_started_it(cluster: PrivateCluster, home: Path) -> None:
    assert PrivateCluster(home).halt()
    assert not PrivateCluster(home).halt()
    with pytest.raises(psycopg2.OperationalError):
        ask(cluster, "SELECT 1")


def test_two_clusters_do_not_meet(cluster: PrivateCluster, home: Path) -> None:
    other_home = home.parent / "other"
    with PrivateCluster(other_home, fast=True) as other:
        assert other.socket_folder != cluster.socket_folder
        assert server_pid(other) != server_pid(cluster)
