import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from dpp.adapters.postgres import embedded, unprivileged
from dpp.adapters.postgres.binaries import PACKAGED_LIBRARIES, Binaries, find_binaries
from dpp.adapters.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from dpp.adapters.postgres.postmaster import PidFile, Postmaster, is_server_of, orphans_of
from dpp.adapters.postgres.unprivileged import NOBODY, Identity, choose_identity, namespaces_work

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: needs Linux (death signals, /proc)")
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: needs root, who must become somebody else")

Launch = Callable[[Path], tuple[subprocess.Popen[str], int]]

LAUNCHER = """
import sys, time
from pathlib import Path
from dpp.adapters.postgres.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), fast_for_tests=True)
server.start()
print(server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users may enter, unlike pytest's."""
    directory = Path(tempfile.mkdtemp(prefix="dpp-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A data directory in which a server has run before; making one takes most of a first start's time."""
    directory = Path(tempfile.mkdtemp(prefix="dpp-test-"))
    with EmbeddedPostgres(directory / "postgres", fast_for_tests=True):
        pass
    yield directory / "postgres"
    shutil.rmtree(directory)


@pytest.fixture
def data_dir(made: Path) -> Path:
    """That directory, no server on it; tests leave it sound, and find the table `kept` gone or drop it."""
    assert not orphans_of(made / "cluster")
    return made


@pytest.fixture
def own_data_dir(made: Path, place: Path) -> Path:
    """A copy of that directory for the test alone, which changes the files' owner."""
    shutil.copytree(made, place / "postgres")
    return place / "postgres"


@pytest.fixture
def launcher() -> Iterator[Launch]:
    """Start a server from a process of its own; returns that process and the server's id."""
    started = []

    def launch(directory: Path) -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen([sys.executable, "-c", LAUNCHER, directory], stdout=subprocess.PIPE, text=True)
        started.append((process, directory))
        assert process.stdout is not None
        return process, int(process.stdout.readline())

    yield launch
    for process, directory in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        wait_for_end(directory)


def fast(directory: Path) -> EmbeddedPostgres:
    """A launcher that need not survive a power cut."""
    return EmbeddedPostgres(directory, fast_for_tests=True)


def ask(url: str, query: str) -> object:
    """The first column of the query's first row."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(
            query.encode()
        ).fetchone()  # bytes: a literal query that is put together is wanted here
        return None if row is None else row[0]


def do(url: str, *commands: str) -> None:
    """Execute commands, each committed by itself."""
    with psycopg.connect(url, autocommit=True) as connection:
        for command in commands:
            connection.execute(command.encode())


def until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    """Wait for a condition; fail when it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def wait_for_end(directory: Path) -> None:
    """Wait until no process works on a data directory any more."""
    until(lambda: not orphans_of(directory / "cluster"))


def kill(server: EmbeddedPostgres) -> None:
    """Kill the server with signal 9 and wait until its launcher has noticed."""
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: not server.is_alive())


def owner_of_process(pid: int) -> int:
    """User id of a process, as seen from outside its namespace."""
    return Path(f"/proc/{pid}").stat().st_uid


# --- an ordinary life ------------------------------------------------------------------------------------------------


def test_first_start_makes_a_durable_utf8_database_of_an_ordinary_role(tmp_path: Path) -> None:
    """A first start gives a checksummed UTF-8 database, synchronous commits, and a role that is no superuser."""
    with EmbeddedPostgres(tmp_path / "new" / "postgres") as server:
        settings = (
            "server_encoding",
            "data_checksums",
            "synchronous_commit",
            "fsync",
            "wal_compression",
            "is_superuser",
        )
        seen = [ask(server.dsn, f"SHOW {name}") for name in settings]
        assert ["UTF8", "on", "on", "on"] == seen[:4]
        assert seen[4] not in ("off", None)
        assert "off" == seen[5]
        assert "dpp" == ask(server.dsn, "SELECT current_user")
        assert "dpp" == ask(server.dsn, "SELECT current_database()")
        assert "UTC" == ask(server.dsn, "SHOW timezone")


def test_secrets_and_data_are_the_owners_alone(data_dir: Path) -> None:
    """Nobody but the owner may read the password, the data or the logs."""
    with fast(data_dir):
        modes = {
            name: stat.S_IMODE((data_dir / name).stat().st_mode) for name in ("password", "cluster", "logs", "run")
        }
    assert {"password": 0o600, "cluster": 0o700, "logs": 0o700, "run": 0o700} == modes


def test_a_wrong_password_is_refused(data_dir: Path) -> None:
    """The database accepts nobody without the generated password."""
    with fast(data_dir) as server:
        right = (data_dir / "password").read_text().strip()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.dsn.replace(right, "wrong"))


def test_psql_accepts_the_url(data_dir: Path) -> None:
    """The URL is good for psql as it is."""
    psql = find_binaries().directory / "psql"
    if not psql.exists():
        pytest.skip("NOT TESTED: this PostgreSQL comes without psql")
    with fast(data_dir) as server:
        answer = subprocess.run([psql, server.dsn, "-Atc", "SELECT 6 * 7"], capture_output=True, text=True, check=True)
    assert "42" == answer.stdout.strip()


def test_second_start_keeps_data_url_and_password(data_dir: Path) -> None:
    """Stopping and starting changes neither the data nor the URL."""
    with fast(data_dir) as server:
        first = server.dsn
        do(first, "DROP TABLE IF EXISTS kept", "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    with fast(data_dir) as server:
        assert first == server.dsn
        assert 7 == ask(server.dsn, "SELECT n FROM kept")


def test_start_and_stop_are_idempotent(data_dir: Path) -> None:
    """Starting what runs gives its URL, stopping what is stopped does nothing, and it can be started again."""
    server = fast(data_dir)
    server.stop()
    first = server.start()
    pid = server.pid
    assert first == server.start()
    assert pid == server.pid
    server.stop()
    server.stop()
    assert not server.is_alive()
    assert server.pid is None
    assert first == server.start()
    server.stop()


def test_stopped_server_has_no_url(data_dir: Path) -> None:
    """Asking a stopped server for its URL is an error that names the directory."""
    with pytest.raises(EmbeddedPostgresError, match="is not running"):
        _ = fast(data_dir).dsn


def test_stop_cuts_clients_off(data_dir: Path) -> None:
    """A client in the middle of a transaction does not keep the server from stopping."""
    server = fast(data_dir)
    with psycopg.connect(server.start()) as client:
        client.execute("SELECT 1")
        server.stop()
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
        client.close()
    assert PidFile.read(data_dir / "cluster") is None


def test_running_dsn_finds_another_process_s_server(data_dir: Path, launcher: Launch) -> None:
    """Any process finds the running server through the directory, and none when there is none."""
    assert EmbeddedPostgres.running_dsn(data_dir) is None
    launcher(data_dir)
    url = EmbeddedPostgres.running_dsn(data_dir)
    assert url is not None
    assert 1 == ask(url, "SELECT 1")


def test_logs_keep_values_to_themselves(data_dir: Path) -> None:
    """A failing statement leaves its error in the log, but none of the values that it carried."""
    with EmbeddedPostgres(data_dir) as server:
        do(server.dsn, "CREATE TABLE people (name text PRIMARY KEY)", "INSERT INTO people VALUES ('Ada Lovelace')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            do(server.dsn, "INSERT INTO people VALUES ('Ada Lovelace')")
    log = "".join(file.read_text() for file in (data_dir / "logs").glob("postgres-*.log"))
    assert "people_pkey" in log
    assert "Lovelace" not in log


# --- two who want the same -------------------------------------------------------------------------------------------


def test_second_launcher_is_told_who_holds_the_directory(data_dir: Path, launcher: Launch) -> None:
    """While one process holds the directory another is refused in one line with both process ids, and harms nothing."""
    process, pid = launcher(data_dir)
    with pytest.raises(EmbeddedPostgresError, match=rf"process {process.pid} runs PostgreSQL \(pid {pid}\)") as refusal:
        fast(data_dir).start()
    assert "\n" not in str(refusal.value)
    assert EmbeddedPostgres.running_dsn(data_dir) is not None


def test_second_launcher_in_the_same_process_is_refused(data_dir: Path) -> None:
    """Two objects of one process are two launchers as well."""
    with fast(data_dir), pytest.raises(EmbeddedPostgresError, match="is in use"):
        fast(data_dir).start()


@linux_only
def test_a_server_started_by_hand_is_left_alone(data_dir: Path) -> None:
    """A server that an administrator started on the files is named, not stopped."""
    cluster = data_dir / "cluster"
    program = [find_binaries().program("postgres"), "-D", str(cluster), "-c", "listen_addresses="]
    program += ["-c", f"unix_socket_directories={data_dir}"]
    by_hand = Postmaster(
        choose_identity(data_dir).command(program), directory=data_dir, output=data_dir / "by-hand.log"
    )
    pid = by_hand.launch()
    try:
        until(lambda: (state := PidFile.read(cluster)) is not None and state.ready)
        with pytest.raises(EmbeddedPostgresError, match=f"kill -INT {pid}"):
            fast(data_dir).start()
        assert not by_hand.exited.is_set()
    finally:
        by_hand.stop(timeout=10)
    with fast(data_dir) as server:
        assert 1 == ask(server.dsn, "SELECT 1")


def test_a_taken_port_is_exchanged_for_another(data_dir: Path) -> None:
    """When somebody else listens on the noted port the server takes a new one and notes it."""
    with fast(data_dir):
        noted = int((data_dir / "port").read_text())
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", noted))
        squatter.listen()
        with fast(data_dir) as server:
            assert noted != int((data_dir / "port").read_text())
            assert 1 == ask(server.dsn, "SELECT 1")


def test_a_port_lost_at_the_last_moment_is_exchanged_too(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that is taken between the look at it and the server's start costs one more attempt."""
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        (data_dir / "port").write_text(f"{taken}\n")
        looks = []

        def looks_free_at_first(port: int) -> bool:
            looks.append(port)
            return len(looks) == 1 or port != taken

        monkeypatch.setattr(embedded, "_is_free", looks_free_at_first)
        with fast(data_dir) as server:
            assert 1 == ask(server.dsn, "SELECT 1")
            assert f":{taken}/" not in server.dsn


# --- sudden ends -----------------------------------------------------------------------------------------------------


def test_killed_server_comes_back_with_everything_committed(data_dir: Path) -> None:
    """After kill -9 of the server the launcher knows, and the next start has every committed row."""
    with EmbeddedPostgres(data_dir) as server:
        do(
            server.dsn,
            "DROP TABLE IF EXISTS kept",
            "CREATE TABLE kept (n int)",
            "INSERT INTO kept SELECT generate_series(1, 1000)",
        )
        kill(server)
        assert EmbeddedPostgres.running_dsn(data_dir) is None
        server.start()
        assert 1000 == ask(server.dsn, "SELECT count(*) FROM kept")


@linux_only
def test_backend_that_outlives_its_server_does_not_block_the_next_start(data_dir: Path) -> None:
    """A backend deep in a query when its server is killed is cleared away before the next start."""
    with fast(data_dir) as server:
        client = psycopg.connect(server.dsn)
        backend = client.info.backend_pid
        endless = (
            "SELECT count(*) FROM generate_series(1, 3000) a, generate_series(1, 3000) b, generate_series(1, 3000) c"
        )

        def run_endless() -> None:
            with pytest.raises(psycopg.OperationalError):
                client.execute(endless.encode())

        query = threading.Thread(target=run_endless)
        query.start()
        with psycopg.connect(server.dsn, autocommit=True) as watcher:
            state = "SELECT state FROM pg_stat_activity WHERE pid = %s"
            until(lambda: watcher.execute(state, [backend]).fetchone() == ("active",))
        kill(server)
        assert is_server_of(backend, data_dir / "cluster")
        server.start()
        assert not is_server_of(backend, data_dir / "cluster")
        query.join(timeout=10)
        client.close()
        assert 1 == ask(server.dsn, "SELECT 1")


@linux_only
def test_server_ends_with_a_killed_launcher(data_dir: Path, launcher: Launch) -> None:
    """After kill -9 of the launcher the server shuts down by itself, cleanly, and removes its pid file."""
    process, pid = launcher(data_dir)
    process.kill()
    process.wait()
    until(lambda: not is_server_of(pid, data_dir / "cluster"))
    assert not (data_dir / "cluster" / "postmaster.pid").exists()


def test_start_right_after_a_killed_launcher(data_dir: Path, launcher: Launch) -> None:
    """A new launcher need not wait for what the killed one left: its start does."""
    process, pid = launcher(data_dir)
    url = EmbeddedPostgres.running_dsn(data_dir)
    assert url is not None
    do(url, "DROP TABLE IF EXISTS kept", "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    process.kill()
    process.wait()
    with fast(data_dir) as server:
        assert pid != server.pid
        assert 7 == ask(server.dsn, "SELECT n FROM kept")


def test_launcher_and_server_killed_together(data_dir: Path, launcher: Launch) -> None:
    """When both are killed at once, the stale pid file does not stop the next start."""
    process, pid = launcher(data_dir)
    os.kill(pid, signal.SIGSTOP)  # so that it cannot tidy up when its launcher dies
    process.kill()
    process.wait()
    os.kill(pid, signal.SIGKILL)
    assert (data_dir / "cluster" / "postmaster.pid").exists()
    with fast(data_dir) as server:
        assert 1 == ask(server.dsn, "SELECT 1")


@linux_only
def test_a_server_whose_launcher_died_is_replaced(data_dir: Path) -> None:
    """A server that its dead launcher left running, as where there is no death signal, is ended and replaced."""
    first = fast(data_dir)
    first.start()
    left = first.pid
    lock, first._lock = first._lock, None
    assert lock is not None
    os.close(lock)  # what the kernel does for a dead process
    with fast(data_dir) as server:
        assert left != server.pid
        assert 1 == ask(server.dsn, "SELECT 1")
    assert not first.is_alive()
    first.stop()


@linux_only
def test_pid_file_with_a_stranger_s_number_is_stale(data_dir: Path) -> None:
    """A pid file whose number now belongs to an unrelated process stops neither the start nor the stranger."""
    with fast(data_dir) as server:
        pid_file = data_dir / "cluster" / "postmaster.pid"
        content = pid_file.read_text().splitlines()
        kill(server)
        with subprocess.Popen(["sleep", "60"]) as stranger:
            pid_file.write_text("\n".join([str(stranger.pid), *content[1:]]) + "\n")
            server.start()
            assert 1 == ask(server.dsn, "SELECT 1")
            assert stranger.poll() is None
            stranger.kill()


def test_server_outlives_the_thread_that_asked_for_it(data_dir: Path) -> None:
    """A start from a short-lived thread gives a server that stays when the thread has ended."""
    server = fast(data_dir)
    thread = threading.Thread(target=server.start)
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert 1 == ask(server.dsn, "SELECT 1")
    server.stop()


def test_ctrl_c_is_not_the_server_s_business(data_dir: Path) -> None:
    """The server is in a session of its own, so that the terminal's Ctrl-C reaches the platform only."""
    with fast(data_dir) as server:
        assert server.pid is not None
        assert os.getsid(0) != os.getsid(server.pid)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_forked_child_that_ends_leaves_the_server_alone(data_dir: Path) -> None:
    """A forked child, which inherits the launcher's clean-up, does not stop its parent's database."""
    with fast(data_dir) as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0)
        os.waitpid(child, 0)
        assert server.is_alive()
        assert 1 == ask(server.dsn, "SELECT 1")


def test_interrupted_first_start_is_repeated(place: Path) -> None:
    """What an interrupted first start left is thrown away by the next one."""
    half_made = place / "postgres" / "cluster.unfinished"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    with fast(place / "postgres") as server:
        assert 1 == ask(server.dsn, "SELECT 1")
    assert not half_made.exists()


# --- refusals --------------------------------------------------------------------------------------------------------


def test_a_cluster_of_a_missing_version_says_what_to_do(place: Path) -> None:
    """A cluster made by a version that is not here is refused in one line with the version and the ways out."""
    data_dir = place / "postgres"
    (data_dir / "cluster").mkdir(parents=True)
    (data_dir / "cluster" / "PG_VERSION").write_text("12\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 12.*install that version") as refusal:
        fast(data_dir).start()
    assert "\n" not in str(refusal.value)


def test_a_cluster_keeps_its_version(place: Path) -> None:
    """A cluster made by an older version that is still here is run by that version."""
    newest = find_binaries().major
    try:
        older = next(major for major in range(newest - 1, 14, -1) if _is_there(major))
    except StopIteration:
        pytest.skip(f"NOT TESTED: PostgreSQL {newest} is the only version here")
    with EmbeddedPostgres(place / "postgres", fast_for_tests=True, major=older):
        pass
    with fast(place / "postgres") as server:
        assert str(older) == str(ask(server.dsn, "SHOW server_version")).split(".")[0]


def _is_there(major: int) -> bool:
    try:
        return find_binaries(major=major).major == major
    except EmbeddedPostgresError:
        return False


def test_something_else_in_the_cluster_s_place_is_refused(place: Path) -> None:
    """A directory that is no cluster is neither used nor overwritten."""
    strange = place / "postgres" / "cluster"
    strange.mkdir(parents=True)
    (strange / "letter.txt").write_text("dear")
    with pytest.raises(EmbeddedPostgresError, match="not a PostgreSQL cluster"):
        fast(place / "postgres").start()
    assert "dear" == (strange / "letter.txt").read_text()


def test_a_lost_password_is_named(place: Path) -> None:
    """Without its password file the database is not started, and the error names the file."""
    cluster = place / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text(f"{find_binaries().major}\n")
    server = fast(place / "postgres")
    with pytest.raises(EmbeddedPostgresError, match="password is missing"):
        server.start()
    assert not server.is_alive()


def test_the_server_s_own_reason_is_passed_on(data_dir: Path) -> None:
    """When the server will not start, the error has its reason in one line, and the directory is free again."""
    configuration = data_dir / "cluster" / "postgresql.conf"
    sound = configuration.read_text()
    configuration.write_text(f"{sound}max_connections = 'plenty'\n")
    try:
        with pytest.raises(EmbeddedPostgresError, match=r"FATAL: .*postgresql.conf") as refusal:
            fast(data_dir).start()
        assert "\n" not in str(refusal.value)
    finally:
        configuration.write_text(sound)
    with fast(data_dir) as server:
        assert 1 == ask(server.dsn, "SELECT 1")


def test_a_directory_that_cannot_be_made_is_refused(place: Path) -> None:
    """A path below a file is refused in one line."""
    (place / "file").write_text("")
    with pytest.raises(EmbeddedPostgresError, match=r"cannot use .*Not a directory"):
        fast(place / "file" / "postgres").start()


# --- root ------------------------------------------------------------------------------------------------------------


@linux_only
@root_only
def test_root_stays_the_owner_where_user_namespaces_work(data_dir: Path) -> None:
    """With user namespaces root's files stay root's, and no other user is involved."""
    if not namespaces_work():
        pytest.skip("NOT TESTED: this container forbids user namespaces")
    with fast(data_dir) as server:
        assert server.pid is not None
        assert 0 == owner_of_process(server.pid)
        assert 0 == (data_dir / "cluster").stat().st_uid


@linux_only
@root_only
@pytest.mark.parametrize("existing", [True, False], ids=["root's cluster", "new cluster"])
def test_without_namespaces_root_s_server_runs_as_nobody(
    own_data_dir: Path, place: Path, existing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where user namespaces are forbidden the server and its files are nobody's from then on."""
    monkeypatch.setattr(unprivileged, "namespaces_work", lambda: False)
    directory = own_data_dir if existing else place / "new"
    with fast(directory) as server:
        assert server.pid is not None
        assert NOBODY == owner_of_process(server.pid)
        kill(server)
        server.start()
        do(server.dsn, "DROP TABLE IF EXISTS kept", "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
    monkeypatch.undo()
    with fast(directory) as server:
        assert server.pid is not None
        assert NOBODY == owner_of_process(server.pid)
        assert NOBODY == (directory / "cluster" / "PG_VERSION").stat().st_uid
        assert 7 == ask(server.dsn, "SELECT n FROM kept")


@linux_only
@root_only
def test_nobody_s_server_ends_with_a_killed_launcher(own_data_dir: Path, launcher: Launch) -> None:
    """The death signal survives the change to another user."""
    Identity(uid=NOBODY, gid=NOBODY).give_tree(own_data_dir)
    process, pid = launcher(own_data_dir)
    assert NOBODY == owner_of_process(pid)
    process.kill()
    process.wait()
    until(lambda: not is_server_of(pid, own_data_dir / "cluster"))


@linux_only
@root_only
def test_programs_that_nobody_cannot_reach_are_copied(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs below a closed directory are copied to where nobody can run them, once for each build."""
    closed = place / "closed"
    found = find_binaries()
    package = closed / "site-packages" / "package"
    shutil.copytree(found.directory.parent, package / found.directory.parent.name)
    libraries = found.directory.parents[2] / PACKAGED_LIBRARIES
    if libraries.is_dir():
        shutil.copytree(libraries, package.parent / libraries.name)
    closed.chmod(0o700)
    hidden = Binaries(directory=package / found.directory.parent.name / "bin", major=found.major)
    monkeypatch.setattr(embedded, "find_binaries", lambda *, major: hidden)
    monkeypatch.setattr(unprivileged, "namespaces_work", lambda: False)
    copies = set()
    for _ in range(2):
        with fast(place / "new") as server:
            assert server.pid is not None
            program = Path(os.readlink(f"/proc/{server.pid}/exe"))
            copies.add((program, program.stat().st_ino))
    assert 1 == len(copies)
    assert program.is_relative_to(place / "new" / "binaries")


@linux_only
@root_only
def test_data_that_nobody_cannot_reach_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data directory below a closed one is refused with that directory's name, and no mode is changed."""
    monkeypatch.setattr(unprivileged, "namespaces_work", lambda: False)
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=f"may not enter {closed}:"):
        fast(closed / "deeper" / "postgres").start()
    assert 0o700 == stat.S_IMODE(closed.stat().st_mode)


@linux_only
@root_only
def test_root_runs_a_user_s_database_as_that_user(own_data_dir: Path) -> None:
    """When root starts a database that belongs to a user, every file stays that user's."""
    user = Identity(uid=12345, gid=12345)
    (own_data_dir / "logs" / "start.log").unlink()
    user.give_tree(own_data_dir)
    with fast(own_data_dir) as server:
        assert server.pid is not None
        assert 12345 == owner_of_process(server.pid)
    assert [] == [path for path in own_data_dir.rglob("*") if path.stat().st_uid != 12345]


# --- test databases --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("time_", ["first", "second"])
def test_each_test_has_a_database_of_its_own(database_url: str, time_: str) -> None:
    """What one test writes into its database no other test sees."""
    do(database_url, f"CREATE TABLE mine AS SELECT '{time_}'::text AS name")
    assert time_ == ask(database_url, "SELECT name FROM mine")


def test_empty_database_has_no_tables(empty_database_url: str) -> None:
    """The empty database has no table outside the system's schemas."""
    query = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    assert 0 == ask(empty_database_url, query)
