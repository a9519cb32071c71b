"""Commands of targets.yaml, run as a worker process runs them: in a child of the executor, from a real file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.jobs.executors import BEAT_SECONDS, CLOCK, Beats, assignment
from tests.harness.processes import is_running
from tests.harness.waiting import becomes_true
from tidegate.adapters.executors.process_executor import ProcessExecutor
from tidegate.domain.job import Json
from tidegate.domain.limits import MAX_RESULT_BYTES
from tidegate.domain.logs import LogLine
from tidegate.domain.states import State
from tidegate.domain.type_facts import TypeFacts
from tidegate.jobs.targets.command import MAX_VARIABLE_BYTES
from tidegate.ports import Outcome, OutcomeKind, Signal, UpstreamResult

PACKAGE = "tests.harness.jobs.targetcode"
FOLDER = Path(__file__).resolve().parents[1] / "harness" / "jobs" / "targetcode"


@pytest.fixture(scope="module")
def executor() -> Iterator[ProcessExecutor]:
    made = ProcessExecutor(
        CLOCK,
        heartbeat_seconds=BEAT_SECONDS,
        cancel_grace_seconds=5,
        hand_back_grace_seconds=5,
        packages=(PACKAGE,),
    )
    yield made
    made.close()


class Sink:
    """Keeps the lines that attempts print."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []

    def write(self, line: LogLine) -> None:
        self.lines.append(line)


def _shell(executor: ProcessExecutor, run: str, *, target: str = "target.shell") -> Outcome:
    return executor.execute(assignment(target, {"run": run}), Beats())


def _result(outcome: Outcome) -> Json:
    assert outcome.kind is OutcomeKind.SUCCEEDED, outcome
    return outcome.result


def test_the_targets_of_a_file_are_types_of_the_worker(executor: ProcessExecutor) -> None:
    types = executor.job_types()
    assert {"target.facts", "target.shell"} <= set(types.types())
    assert not types.faults()
    assert types.facts("target.facts") == TypeFacts(needs_process=True)
    assert types.facts("tidegate.noop") == TypeFacts()
    assert types.facts("no.such") is None


def test_a_command_gets_its_parameters_and_its_attempt(executor: ProcessExecutor) -> None:
    parameters: dict[str, Json] = {"name": "Ada\0", "rows": [1, {"wide": "ä"}]}
    facts = _result(executor.execute(assignment("target.facts", parameters), Beats()))
    assert isinstance(facts, dict)
    variables = facts["variables"]
    assert isinstance(variables, dict)
    assert facts["given"] == parameters
    assert json.loads(str(variables.pop("TIDEGATE_PARAMETERS"))) == parameters
    folder = facts["folder"]
    assert variables == {
        "TIDEGATE_JOB_ID": "01JD.7",
        "TIDEGATE_ATTEMPT": "2",
        "TIDEGATE_JOB_KEY": "seven",
        "TMPDIR": folder,
    }
    assert (facts["targets"], facts["keys"], facts["arguments"]) == (str(FOLDER), [], [])
    assert facts["leads_group"] is True
    assert not Path(str(folder)).exists() or not list(Path(str(folder)).iterdir())


def test_parameters_too_large_for_a_variable_still_come_by_standard_input(executor: ProcessExecutor) -> None:
    parameters: dict[str, Json] = {"text": "x" * MAX_VARIABLE_BYTES}
    facts = _result(executor.execute(assignment("target.facts", parameters), Beats()))
    assert isinstance(facts, dict)
    assert isinstance(facts["variables"], dict)
    assert facts["given"] == parameters
    assert "TIDEGATE_PARAMETERS" not in facts["variables"]


@pytest.mark.parametrize(
    ("run", "result"),
    [
        ("echo begins; echo '{\"rows\": 3}'", {"rows": 3}),
        ("printf '[1]'", [1]),
        ("echo 42; echo; echo '  '", 42),
        ("echo 1; echo no json", None),
        ("echo NaN", None),
        ("printf '\\377\\376'", None),
        ("true", None),
        ("echo 1e400", None),
        ('echo \x27"\\ud800"\x27', None),
        ("echo 7 >&2", None),
        ("exec >&-; sleep 0.1", None),
    ],
)
def test_the_last_line_is_the_result_if_it_is_json(executor: ProcessExecutor, run: str, result: Json) -> None:
    assert _result(_shell(executor, run)) == result


@pytest.mark.parametrize(
    ("run", "code", "retryable"),
    [
        ("exit 2", "usage", False),
        ("exit 75", "temporary", True),
        ("exit 76", "exit-code-76", False),
        ("exit 3", "exit-code-3", True),
        ("kill -SEGV $$", "signal-SIGSEGV", True),
        ("kill -KILL $$", "signal-SIGKILL", True),
    ],
)
def test_other_ends_are_errors_by_their_meaning(
    executor: ProcessExecutor, run: str, code: str, retryable: bool
) -> None:
    outcome = _shell(executor, f"echo so it was; {run}")
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, code, retryable)
    assert outcome.last_lines == ("so it was",), "only the command's own lines"


def test_a_program_that_is_not_there_fails_the_attempt_and_says_so(executor: ProcessExecutor) -> None:
    outcome = executor.execute(assignment("target.missing"), Beats())
    assert (outcome.kind, outcome.code) == (OutcomeKind.FAILED, "command-not-started")
    assert "'tidegate-no-such-program' can't be started: No such file" in outcome.message


@pytest.mark.parametrize(
    ("run", "code"),
    [
        ("true", "result-missing"),
        ("mkdir -p out/result.json", "result-missing"),
        ("mkdir out; mkfifo out/result.json", "result-missing"),
        ("mkdir out; echo '{' > out/result.json", "result-not-json"),
        ("mkdir out; printf '\\377' > out/result.json", "result-not-json"),
        (f"mkdir out; head -c {MAX_RESULT_BYTES + 1} /dev/zero > out/result.json", "result-too-large"),
    ],
)
def test_a_result_file_that_can_not_be_taken_fails_for_good(
    executor: ProcessExecutor, run: str, code: str
) -> None:
    outcome = _shell(executor, run, target="target.file")
    assert (outcome.kind, outcome.code, outcome.retryable) == (OutcomeKind.FAILED, code, False)


def test_a_result_file_is_the_result(executor: ProcessExecutor) -> None:
    run = 'echo 1; mkdir out; echo \'{"from": "file"}\' > out/result.json'
    assert _result(_shell(executor, run, target="target.file")) == {"from": "file"}


def test_parameters_that_break_the_schema_fail_before_the_command_begins(executor: ProcessExecutor) -> None:
    outcome = executor.execute(assignment("target.checked", {"rows": 0, "colour": 1}), Beats())
    assert (outcome.kind, outcome.code, outcome.retryable) == (
        OutcomeKind.FAILED,
        "invalid-parameters",
        False,
    )
    assert "rows: Input should be greater than or equal to 1" in outcome.message
    assert "colour: is not a parameter" in outcome.message
    assert _result(executor.execute(assignment("target.checked", {"rows": 1}), Beats())) is None


def test_a_command_reads_its_upstreams_from_a_file(executor: ProcessExecutor) -> None:
    upstream = UpstreamResult("01JD.6", "six", State.SUCCEEDED, {"rows": 2})
    outcome = executor.execute(assignment("target.gathers", upstreams=[upstream]), Beats())
    assert _result(outcome) == {
        "six": {"job_id": "01JD.6", "key": "six", "state": "SUCCEEDED", "result": {"rows": 2}}
    }


def test_the_output_of_a_command_is_the_log_of_its_job(executor: ProcessExecutor) -> None:
    sink = Sink()
    executor.print_to(sink)
    _shell(executor, "echo out; echo err >&2; printf unended")
    assert sorted(line.text for line in sink.lines) == ["err", "out", "unended"]
    assert {(line.job_id, line.attempt) for line in sink.lines} == {("01JD.7", 2)}


@pytest.mark.parametrize(
    ("asked", "kind"), [(Signal.CANCEL, OutcomeKind.CANCELLED), (Signal.HAND_BACK, OutcomeKind.HANDED_BACK)]
)
def test_a_stopped_command_can_clean_up_and_does_not_count_as_done(
    executor: ProcessExecutor, tmp_path: Path, asked: Signal, kind: OutcomeKind
) -> None:
    mark = tmp_path / "cleaned"
    run = f"trap 'touch {mark}; exit 0' TERM; touch {tmp_path}/begun; while true; do sleep 0.02; done"
    beats = Beats(asked, when=lambda _: (tmp_path / "begun").exists())
    outcome = executor.execute(assignment("target.shell", {"run": run}), beats)
    assert outcome.kind is kind
    assert mark.exists()


def test_a_target_may_allow_less_time_than_its_job(executor: ProcessExecutor) -> None:
    assert executor.execute(assignment("target.brief"), Beats()).kind is OutcomeKind.TIMED_OUT


def test_a_command_never_outlives_the_timeout_of_its_job(executor: ProcessExecutor, tmp_path: Path) -> None:
    run = f"trap '' TERM; echo $$ > {tmp_path}/pid; while true; do sleep 0.02; done"
    outcome = executor.execute(assignment("target.shell", {"run": run}, timeout_ms=5_000), Beats())
    assert outcome.kind is OutcomeKind.TIMED_OUT
    pid = int((tmp_path / "pid").read_text())
    assert becomes_true(lambda: not is_running(pid))


def test_a_process_runs_one_command_after_the_other(executor: ProcessExecutor) -> None:
    parents = {_result(_shell(executor, "echo $PPID")) for _ in range(3)}
    assert len(parents) == 1
