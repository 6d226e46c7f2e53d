"""The command line as people and scripts meet it: what it prints, and with which status it ends."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from dpp.entrypoints.bootstrap import local, logging
from dpp.entrypoints.bootstrap.settings import load
from dpp.entrypoints.cli.main import main
from tests.support.running import free_port

COMMANDS = (
    "up",
    "serve",
    "worker",
    "migrate",
    "config apply",
    "config export",
    "users add",
    "keys create",
    "backfill",
    "fields",
    "rebuild",
    "archive verify",
    "archive replay",
    "archive cat",
    "corrections export",
    "corrections apply",
    "simulate",
    "faults",
    "doctor",
)
END_SECONDS = 30.0


def dpp(data_dir: Path, *arguments: str, database_url: str = "") -> subprocess.CompletedProcess[str]:
    """Run one command to its end in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "dpp.entrypoints.cli", *arguments],
        env=environment(data_dir) | {"DPP_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def environment(data_dir: Path) -> dict[str, str]:
    """Return the variables of a process."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"DPP_DATA_DIR": str(data_dir)}


def assert_one_line(ended: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    """Compare a failure with what it should be: its status, nothing on standard output, one line that helps."""
    assert (status, "") == (ended.returncode, ended.stdout), ended.stderr
    lines = ended.stderr.splitlines()
    assert lines[0].startswith("dpp: ")
    assert len(lines) == (2 if status == 2 else 1), ended.stderr
    for word in words:
        assert word in lines[0]


def is_log_event(line: str) -> bool:
    """Whether a line is a structured log event, which is for systems that gather them."""
    return line.startswith("{") and {"event", "level", "timestamp"} <= json.loads(line).keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The help of every command shows how it is called."""
    assert 0 == main([*command.split(), "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert re.search(rf"Example: (DPP_\S+ )?dpp {command}", shown), shown


def test_every_command_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    """The overview names exactly the commands that these tests know, each with what it is for."""
    named = set()
    for group in ("", "config", "users", "keys", "corrections", "archive"):
        assert 0 == main([*group.split(), "--help"])
        rows = re.findall(r"^\W+([a-z]+) {2,}[A-Z]", capsys.readouterr().out, re.MULTILINE)
        named |= {f"{group} {name}".strip() for name in rows}
    assert set(COMMANDS) == named - {"config", "users", "keys", "corrections", "archive", "version"}


@pytest.mark.parametrize("call", ["no-such-command", "serve --no-such-option", "keys create x", "serve --port many"])
def test_a_call_that_cannot_be_understood(call: str, tmp_path: Path) -> None:
    """An unknown command or option, or a missing one, ends with 2, one line that says why, and one that helps on."""
    assert_one_line(dpp(tmp_path, *call.split()), 2)


def test_no_platform_runs(tmp_path: Path) -> None:
    """Without a database a command ends with 1 and says in one line how to get one."""
    assert_one_line(dpp(tmp_path, "rebuild"), 1, "dpp up", "DPP_DATABASE_URL")


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    """With a database that is not there a command ends with 1, without a traceback and without the password."""
    away = f"postgresql://dpp:hidden-word@127.0.0.1:{free_port()}/dpp"
    ended = dpp(tmp_path, "config", "export", database_url=away)
    assert (1, "") == (ended.returncode, ended.stdout)
    said = [line for line in ended.stderr.splitlines() if not is_log_event(line)]
    assert ["dpp: the database gives no connection: is it running, and does it allow enough of them?"] == said
    assert "hidden-word" not in ended.stderr


def test_a_setting_that_cannot_be_used(tmp_path: Path) -> None:
    """A variable with a useless value ends a command with 1 and is named."""
    ended = subprocess.run(
        [sys.executable, "-m", "dpp.entrypoints.cli", "archive", "verify"],
        env=environment(tmp_path) | {"DPP_PORT": "many"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert_one_line(ended, 1, "DPP_PORT", "many")


def test_a_file_that_is_not_there(tmp_path: Path, database_url: str) -> None:
    """A configuration file that cannot be read ends with 1 and is named."""
    ended = dpp(tmp_path, "config", "apply", "nowhere.toml", database_url=database_url)
    assert_one_line(ended, 1, "nowhere.toml")


def test_keys_create_prints_json(tmp_path: Path, database_url: str) -> None:
    """`keys create --json` is one object with the key's id, the key, which holds that id, and its end."""
    local.prepare(load({}, data_dir=tmp_path))
    call = ("keys", "create", "pipeline", "--permission", "events:write", "--json")
    ended = dpp(tmp_path, *call, database_url=database_url)
    assert (0, "") == (ended.returncode, ended.stderr)
    made = json.loads(ended.stdout)
    assert {"key_id", "key", "expires_at"} == made.keys()
    assert made["key"].startswith(f"dpp_{UUID(made['key_id']).hex}_")
    assert made["expires_at"] is None
    lasting = json.loads(dpp(tmp_path, *call, "--expires", "30", database_url=database_url).stdout)
    assert lasting["expires_at"] is not None
    assert lasting["key"] != made["key"]


def test_an_unknown_permission(tmp_path: Path, database_url: str) -> None:
    """A permission or a stream that does not exist is refused by name, with 1."""
    local.prepare(load({}, data_dir=tmp_path))
    permission = dpp(tmp_path, "keys", "create", "x", "--permission", "events:sing", database_url=database_url)
    assert_one_line(permission, 1, "events:sing")
    call = ("keys", "create", "x", "--permission", "metrics:read", "--stream", "nowhere")
    assert_one_line(dpp(tmp_path, *call, database_url=database_url), 1, "nowhere")


@contextmanager
def running_up(data_dir: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `dpp up` at any free port for the length of the block, which it does not outlive; yield its address, too."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dpp.entrypoints.cli", "up", "--port", "0"],
        env=environment(data_dir),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        # What is not ready after 30 s ends by itself, and with it what it prints.
        announced = next((line for line in process.stdout if line.startswith("The platform runs at ")), "")
        assert announced, f"dpp up did not become ready; its status is {process.poll()}"
        yield process, announced.split()[-1]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(END_SECONDS)
        process.stdout.close()


def test_up_ends_on_ctrl_c_and_starts_again(tmp_path: Path) -> None:
    """Ctrl-C ends `dpp up` within 30 s with its database; a second start has what the first one was told.

    At port 0 it says which one it has.
    """
    with running_up(tmp_path) as (process, address):
        assert 200 == httpx.get(f"{address}/health/ready", trust_env=False).status_code
        made = json.loads(dpp(tmp_path, "keys", "create", "x", "--permission", "metrics:read", "--json").stdout)
        process.send_signal(signal.SIGINT)
        assert 0 == process.wait(END_SECONDS)
    assert_one_line(dpp(tmp_path, "rebuild"), 1, "No platform runs")
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{address}/health/live", trust_env=False)
    with running_up(tmp_path) as (_, address):
        answer = httpx.get(
            f"{address}/api/v1/metrics/realtime",
            headers={"authorization": f"Bearer {made['key']}"},
            trust_env=False,
        )
        assert 200 == answer.status_code


def test_corrections_come_out_as_they_went_in(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What people have said is exported as it was applied; a line that is none refuses the whole file."""
    monkeypatch.setenv("DPP_DATABASE_URL", database_url)
    monkeypatch.setenv("DPP_DATA_DIR", str(tmp_path))
    # A command tells its process where to log to, and the one of the tests has more to do.
    monkeypatch.setattr(logging, "configure", lambda **_: None)
    said = {
        "said_id": "00000000-0000-0000-0000-000000000002",
        "incident_id": "INC-1",
        "source_incident_id": "INC-1",
        "record_id": "00000000-0000-0000-0000-000000000003",
        "verdict": "rejected",
        "said_at": "2026-03-02T10:00:00Z",
        "said_by": "user:00000000-0000-0000-0000-000000000009",
        "reason": None,
    }
    file = tmp_path / "corrections.jsonl"
    file.write_text(json.dumps({"kind": "verdict", "said": said}) + "\n", encoding="utf-8")
    assert 0 == main(["corrections", "apply", str(file)])
    assert 0 == main(["corrections", "export"])
    told = capsys.readouterr().out.splitlines()
    assert "1 corrections were new, 0 known" == told[0]
    assert {"kind": "verdict", "said": said} == json.loads(told[1])
    file.write_text(file.read_text(encoding="utf-8") + '{"kind": "verdict", "said": {}}\n', encoding="utf-8")
    assert 1 == main(["corrections", "apply", str(file)])
    assert "line 2 is no correction" in capsys.readouterr().err
