"""The audit of pinned packages against a database on the loopback: a finding fails it, and a silence is reported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from dev.scripts.audit import KNOWN, PINNED, REQUIRED, ROOT, VARIABLE, WAIVERS, waived
from tidegate_devstack.processes import free_port

KNOWN_NAME, _, KNOWN_VERSION = KNOWN.partition("==")
FLAW = "PYSEC-2026-1"


@dataclass
class Database:
    """Answers as OSV does. `flawed` are the packages with a known flaw."""

    flawed: set[str] = field(default_factory=lambda: {KNOWN_NAME})
    asked: list[tuple[str, str]] = field(default_factory=list)
    status: int = 200
    falls_silent_after: int | None = None
    url: str = ""

    def answer(self, query: Mapping[str, Mapping[str, str]]) -> tuple[int, object]:
        name = query["package"]["name"]
        self.asked.append((name, str(query["version"])))
        if self.falls_silent_after is not None and len(self.asked) > self.falls_silent_after:
            return 503, {}
        if name not in self.flawed:
            return self.status, {}
        affected = {
            "package": {"name": name, "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9.9"}]}],
        }
        return self.status, {"vulns": [{"id": FLAW, "summary": "a flaw", "affected": [affected]}]}


@pytest.fixture
def database() -> Iterator[Database]:
    served = Database()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = served.answer(query)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as above
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}/v1/query"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True)
class Ran:
    code: int
    lines: list[str]


def audit(
    folder: Path, url: str, pins: str = "six==1.17.0\nidna==3.20\n", waivers: str = "", mode: str = ""
) -> Ran:
    (folder / "pins.txt").write_text(pins)
    (folder / "waivers.txt").write_text(waivers)
    command = [sys.executable, str(ROOT / "dev" / "scripts" / "audit.py"), "--database", url]
    ran = subprocess.run(
        [*command, "--waivers", str(folder / "waivers.txt"), str(folder / "pins.txt")],
        env={**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", VARIABLE: mode},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout.splitlines())


def test_no_finding_passes_and_says_how_much_was_looked_up(database: Database, tmp_path: Path) -> None:
    ran = audit(tmp_path, database.url)
    assert ran == Ran(0, ["audit: 2 packages looked up, no known vulnerability"])
    assert {(KNOWN_NAME, KNOWN_VERSION), ("six", "1.17.0"), ("idna", "3.20")} == set(database.asked)


def test_a_finding_fails_and_names_the_version_that_mends_it(database: Database, tmp_path: Path) -> None:
    database.flawed.add("idna")
    ran = audit(tmp_path, database.url)
    assert ran == Ran(1, [f"audit: idna 3.20 has {FLAW}, fixed in 9.9"])


def test_a_waived_finding_passes(database: Database, tmp_path: Path) -> None:
    database.flawed.add("idna")
    ran = audit(
        tmp_path, database.url, waivers=f"{FLAW} only its decoder is concerned, which nothing calls\n"
    )
    assert ran == Ran(0, ["audit: 2 packages looked up, no known vulnerability"])


def _not_checked(ran: Ran, reason: str) -> bool:
    return (
        ran.code == 0
        and len(ran.lines) == 1
        and ran.lines[0].startswith("audit: NOT CHECKED for known vulnerabilities: http://127.0.0.1:")
        and reason in ran.lines[0]
    )


def test_a_database_that_cannot_be_reached_is_told_on_one_line(tmp_path: Path) -> None:
    ran = audit(tmp_path, f"http://127.0.0.1:{free_port()}/v1/query")
    assert _not_checked(ran, "ConnectionError"), ran


def test_a_database_that_refuses_is_told_on_one_line(database: Database, tmp_path: Path) -> None:
    database.status = 403
    assert _not_checked(audit(tmp_path, database.url), "ServiceError")


def test_something_else_that_answers_with_nothing_is_no_clean_result(
    database: Database, tmp_path: Path
) -> None:
    database.flawed.clear()
    ran = audit(tmp_path, database.url)
    assert _not_checked(ran, f"it knows no vulnerability of {KNOWN}"), ran
    assert database.asked == [(KNOWN_NAME, KNOWN_VERSION)], "the rest is not asked for"


def test_a_database_that_falls_silent_midway_is_told_on_one_line(database: Database, tmp_path: Path) -> None:
    database.falls_silent_after = 2
    assert _not_checked(audit(tmp_path, database.url), "ServiceError")


@pytest.mark.parametrize("falls_silent_after", [0, 2])
def test_where_an_answer_is_required_silence_fails(
    database: Database, tmp_path: Path, falls_silent_after: int
) -> None:
    database.falls_silent_after = falls_silent_after
    ran = audit(tmp_path, database.url, mode=REQUIRED)
    assert ran.code == 1
    assert "NOT CHECKED" in ran.lines[0]


def test_where_an_answer_is_required_a_clean_one_passes(database: Database, tmp_path: Path) -> None:
    assert audit(tmp_path, database.url, mode=REQUIRED).code == 0


def test_a_mode_that_is_none_fails(database: Database, tmp_path: Path) -> None:
    assert audit(tmp_path, database.url, mode="requried").code == 1


def test_pins_that_cannot_be_read_fail(database: Database, tmp_path: Path) -> None:
    ran = audit(tmp_path, database.url, pins="six>=1\n")
    assert ran.code == 1
    assert ran.lines[0] == "audit: pip-audit failed:"


def test_waivers_have_reasons() -> None:
    assert waived("# a comment\n\nPYSEC-1 not reached: we never parse\n") == ["PYSEC-1"]
    with pytest.raises(ValueError, match="PYSEC-2 is waived without a reason"):
        waived("PYSEC-2\n")
    waived(WAIVERS.read_text(encoding="utf-8"))


def test_the_lists_that_are_audited_exist() -> None:
    assert [name for name in PINNED if not (ROOT / name).is_file()] == []
