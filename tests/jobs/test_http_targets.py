"""Targets that are https calls, against a server on loopback with a certificate of its own."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.harness.outside.receiver import LOOPBACK, StagedNetwork, answer, receiving
from tidegate.adapters.executors.targets.http_call import run_call
from tidegate.adapters.http_out.call import HttpsCaller
from tidegate.adapters.system import SystemStopwatch
from tidegate.domain.errors import JobCancelled, JobError
from tidegate.domain.job import Json, Progress
from tidegate.domain.limits import MAX_RESULT_BYTES
from tidegate.domain.meanings import Meaning
from tidegate.domain.targets import HttpCall
from tidegate.jobs.context import JobContext, StopRequest
from tidegate.jobs.targets.bounds import Bounds

URL = "https://hooks.example.com/render"


def _forget(progress: Progress) -> None:
    """Keeps no progress."""


def _context(stop: StopRequest | None = None) -> JobContext:
    return JobContext(
        job_id="01JD.7",
        attempt=2,
        remaining_seconds=lambda: 30.0,
        report_progress=_forget,
        stop=stop or StopRequest(),
    )


def _call(
    folder: Path,
    status: str,
    body: bytes = b"",
    *,
    work: HttpCall | None = None,
    addresses: tuple[str, ...] | None = None,
    parameters: Mapping[str, Json] | None = None,
) -> tuple[Json, list[bytes]]:
    context = _context()
    with receiving(folder, answer(status, body)) as receiver:
        network = StagedNetwork(receiver.port)
        if addresses is not None:
            network.answers = [addresses]
        caller = HttpsCaller(
            SystemStopwatch(), network=network, trust=receiver.trust, answer_bytes=MAX_RESULT_BYTES
        )
        result = run_call(
            work or HttpCall(URL), parameters or {}, context, Bounds(context, None), caller=caller
        )
        return result, receiver.requests


def test_a_call_posts_the_parameters_and_takes_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENDER_TOKEN", "s3cret")
    work = HttpCall(URL, {"x-team": "reports"}, {"authorization": "RENDER_TOKEN"})
    result, requests = _call(tmp_path, "201 Created", b'{"pages": 3}', work=work, parameters={"report": "ä"})
    assert result == {"pages": 3}
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert json.loads(body) == {"report": "ä"}
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /render HTTP/1.1"
    assert {
        "content-type: application/json",
        "idempotency-key: 01JD.7-2",
        "tidegate-job-id: 01JD.7",
        "tidegate-attempt: 2",
        "x-team: reports",
        "authorization: s3cret",
    } <= set(lines)


@pytest.mark.parametrize(
    ("status", "body"),
    [("204 No Content", b""), ("200 OK", b""), ("202 Accepted", b" \r\n"), ("200 OK", b"null")],
)
def test_an_answer_without_a_body_has_no_result(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, status: str, body: bytes
) -> None:
    assert _call(tmp_path, status, body)[0] is None
    assert not caplog.records


@pytest.mark.parametrize("body", [b"<html>s3cret</html>", b"OK", b"\xff\xfe", b'{"pages": 3', b"{} {}"])
def test_a_body_that_is_no_json_is_no_result_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    assert _call(tmp_path, "201 Created", body)[0] is None
    (line,) = [each for each in caplog.records if each.name == "tidegate.jobs"]
    assert line.getMessage() == (
        f"the call was answered with status 201 and a body of {len(body)} bytes that is no JSON, "
        "so the job has no result"
    )
    assert line.levelname == "WARNING"


def test_a_body_that_breaks_off_is_an_error_that_is_retried(tmp_path: Path) -> None:
    def break_off(stream: ssl.SSLSocket) -> None:
        stream.sendall(b'HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n{"pag')

    context = _context()
    with receiving(tmp_path, break_off) as receiver:
        caller = HttpsCaller(
            SystemStopwatch(), network=StagedNetwork(receiver.port), trust=receiver.trust, answer_bytes=100
        )
        with pytest.raises(JobError, match="the body of the answer did not come") as failed:
            run_call(HttpCall(URL), {}, context, Bounds(context, None), caller=caller)
    assert (failed.value.code, failed.value.retryable) == ("http-bad-answer", True)


@pytest.mark.parametrize(
    ("status", "body", "code", "retryable"),
    [
        ("500 Oops", b"", "http-500", True),
        ("503 Busy", b"", "http-503", True),
        ("429 Slowly", b"", "http-429", True),
        ("404 Gone", b"", "http-404", False),
        ("302 Found", b"", "http-302", False),
        ("409 Conflict", b"", "taken", True),
        ("200 OK", b"[" * 100_000 + b"]" * 100_000, "result-too-deep", False),
        ("200 OK", b"1" * (MAX_RESULT_BYTES + 1), "result-too-large", False),
    ],
)
def test_another_answer_is_an_error_by_its_meaning(
    tmp_path: Path, status: str, body: bytes, code: str, retryable: bool
) -> None:
    work = HttpCall(URL, statuses={409: Meaning("taken", retryable=True)})
    with pytest.raises(JobError) as failed:
        _call(tmp_path, status, body, work=work)
    assert (failed.value.code, failed.value.retryable) == (code, retryable)


@pytest.mark.parametrize("address", [LOOPBACK, "169.254.169.254", "10.1.2.3", "64:ff9b::a01:203"])
def test_a_call_never_reaches_a_private_address(tmp_path: Path, address: str) -> None:
    with pytest.raises(JobError) as failed:
        _call(tmp_path, "200 OK", b"1", addresses=(address,))
    assert (failed.value.code, failed.value.retryable) == ("http-refused-address", False)


def test_a_variable_that_is_not_passed_on_is_named_and_nothing_is_sent(tmp_path: Path) -> None:
    work = HttpCall(URL, secret_headers={"authorization": "NO_SUCH_TOKEN"})
    with pytest.raises(JobError, match=r"NO_SUCH_TOKEN.*TIDEGATE_JOB_ENVIRONMENT") as failed:
        _call(tmp_path, "200 OK", work=work)
    assert (failed.value.code, failed.value.retryable) == ("variable-missing", False)


def test_a_cancelled_job_does_not_wait_for_an_answer(tmp_path: Path) -> None:
    stop = StopRequest()
    context = _context(stop)

    def never(stream: ssl.SSLSocket) -> None:
        stop.ask("cancelled")
        stream.settimeout(5)
        stream.recv(1)

    with receiving(tmp_path, never) as receiver:
        caller = HttpsCaller(
            SystemStopwatch(), network=StagedNetwork(receiver.port), trust=receiver.trust, whole_seconds=60
        )
        with pytest.raises(JobCancelled):
            run_call(HttpCall(URL), {}, context, Bounds(context, None), caller=caller)
