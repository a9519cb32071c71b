"""The demo: runs a real workflow through the whole scheduler on the local stack, and checks the result."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import tidegate_devstack
from tidegate_cli.client import Client
from tidegate_cli.demo import workflow
from tidegate_cli.demo.console import DemoConsole, watched
from tidegate_cli.errors import ApiProblem, CliError, UsageError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.following.follow import fetch_workflow, follow
from tidegate_cli.following.held import explain_with
from tidegate_cli.following.live import viewer_for
from tidegate_cli.following.report import WorkflowReport, build_report, print_report, report_json
from tidegate_cli.following.usage import collect_settled
from tidegate_cli.interrupts import held_off
from tidegate_cli.options import Session
from tidegate_cli.target import local_target
from tidegate_cli.views import JobView
from tidegate_cli.worker_child import WorkerChild, wait_until_registered, worker_children
from tidegate_devstack import LocalState, Places, StackInfo

POOL = "ecs"
REPORT_KEY = "report"
REPORT_FOLDER_VARIABLE = "TIDEGATE_REPORT_FOLDER"  # the folder that the job type text.report writes to
# The folder that text.* jobs may read. The template sets it for the Lambda pool.
ROOT_VARIABLE = "TIDEGATE_SAMPLE_ROOT"
ROOT_PARAMETER = "SampleRoot"
_SAMPLE_ROOT = re.compile(r"/[!#-\[\]-~]{,159}")  # the values that the template's parameter SampleRoot allows
TIMEOUT_SECONDS = 600.0
_CANCEL_SECONDS = 8.0


def run_demo(session: Session, *, source: Path | None, slots: int, keep_up: bool) -> ExitCode:
    """Runs the demo. Returns SUCCESS only if every job ended in the state that the workflow states, in a legal order.

    `source` is the folder that the workflow reads (default: the standard library of this Python). `slots` is the
    number of slots of the worker process. The console is built beside the stack's start and served from then on, on a
    terminal also after the report, until Ctrl-C or Enter. The demo never waits for its build. The local stack is
    stopped at the end, unless it was up before or `keep_up` is True. Raises UsageError if `source` can't be used, and
    LocalStackError if the local stack does not start.
    """
    try:
        body = workflow.build(source)
    except (ValueError, OSError) as error:
        raise UsageError(f"--source {source}: {error}") from error
    root = source.resolve() if source else None
    if root is not None and not _SAMPLE_ROOT.fullmatch(str(root)):
        raise UsageError(
            f"--source {root}: the stack takes a path of at most 160 ASCII characters without blanks, quotes and "
            "backslashes; name another folder"
        )
    was_up = tidegate_devstack.status().state is LocalState.RUNNING
    try:
        with tidegate_devstack.building() as build:
            info = tidegate_devstack.up(
                session.tell, parameters={ROOT_PARAMETER: str(root)} if root else None, console=build
            )
            with watched(session, info, build) as console:
                report = _run(session, info, body, slots, root, console)
                code = _conclude(session, report, source)
                console.conclude()
                if console.is_served:
                    _stay(session, info, slots, root)
    finally:
        if not keep_up and not was_up:
            with held_off():
                tidegate_devstack.down(session.tell)
    return code


def mismatches_of(jobs: Sequence[JobView], expected: Mapping[str, str]) -> tuple[str, ...]:
    """Returns one line for each job that did not end in its `expected` state, ordered by key.

    A job that is missing, or that nothing was expected of, gets a line too. `expected` maps keys to states.
    """
    found = {job.key or job.job_id: job for job in jobs}
    lines = []
    for key in sorted(expected.keys() | found.keys()):
        job, state = found.get(key), expected.get(key)
        if job is None:
            lines.append(f"{key} is missing; it should have ended as {state}")
        elif state is None:
            lines.append(f"{key} ended as {job.state}, but the workflow has no such job")
        elif job.state != state:
            lines.append(f"{key} should have ended as {state}, but is {job.state} {job.error}".rstrip())
    return tuple(lines)


def report_file_of(jobs: Sequence[JobView]) -> Path | None:
    """Returns the path of the file that the workflow's report job wrote; None if it wrote none."""
    results = [job.raw.get("result") for job in jobs if job.key == REPORT_KEY]
    names = [result["file"] for result in results if isinstance(result, Mapping) and result.get("file")]
    return Path(names[0]) if names else None


def report_file_mismatches(jobs: Sequence[JobView]) -> tuple[str, ...]:
    """Returns a line if the report file was not written, is missing or is empty; else no line."""
    file = report_file_of(jobs)
    if file is None:
        return ("the report job wrote no file",)
    if not file.is_file() or not file.stat().st_size:
        return (f"the report file {file} is missing or empty",)
    return ()


def _run(
    session: Session,
    info: StackInfo,
    body: Mapping[str, Any],
    slots: int,
    root: Path | None,
    console: DemoConsole,
) -> WorkflowReport:
    since_ms = int(time.time() * 1_000)
    with ExitStack() as stack:
        children = stack.enter_context(_workers(info, slots, root))
        wait_until_registered(info, POOL, children)
        session.tell(f"worker process {children[0].process.pid} serves pool {POOL} with {slots} slots")
        client = stack.enter_context(Client(local_target(info)))
        accepted = client.submit_workflow(body)
        title = str(body.get("name") or accepted.id)
        session.tell(f"submitted {len(body['jobs'])} jobs as workflow {accepted.id}")
        try:
            with viewer_for(session.err) as viewer:
                follow(
                    fetch_workflow(client, accepted.id),
                    title,
                    viewer,
                    timeout_seconds=TIMEOUT_SECONDS,
                    checks=[*(child.check for child in children), console.look],
                    explain=explain_with(client),
                )
        except BaseException:
            with held_off():
                _cancel_what_is_left(session, client, accepted.id)
            raise
        jobs = client.get_workflow(accepted.id).jobs
    # The worker process has ended by now, so its log is complete.
    usage = collect_settled(info, since_ms, [child.log for child in children])
    return build_report(accepted.id, title, jobs, usage)


@contextmanager
def _workers(info: StackInfo, slots: int, root: Path | None) -> Iterator[Sequence[WorkerChild]]:
    """Runs the worker process within the block."""
    home = Places.find().home
    for_jobs = {
        REPORT_FOLDER_VARIABLE: str(home / "reports"),
        **({ROOT_VARIABLE: str(root)} if root else {}),
    }
    variables = {**for_jobs, "TIDEGATE_JOB_ENVIRONMENT": ",".join(for_jobs)}
    with worker_children(info, home, pool=POOL, processes=1, slots=slots, variables=variables) as children:
        yield children


def _stay(session: Session, info: StackInfo, slots: int, root: Path | None) -> None:
    """Keeps console, stack and a worker until Ctrl-C or Enter, if somebody sits at a terminal to press it."""
    if session.is_structured or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return
    try:
        with _workers(info, slots, root):
            session.tell("the console stays up until Ctrl-C or Enter")
            sys.stdin.readline()
    except KeyboardInterrupt:
        session.tell("ending")


def _conclude(session: Session, report: WorkflowReport, source: Path | None) -> ExitCode:
    mismatches = (
        *mismatches_of(report.jobs, workflow.expected_states(source)),
        *report_file_mismatches(report.jobs),
    )
    if session.is_structured:
        session.show({**report_json(report), "mismatches": list(mismatches)})
    else:
        print_report(report, session.out)
    return _verdict(session, report, mismatches)


def _cancel_what_is_left(session: Session, client: Client, workflow_id: str) -> None:
    """Cancels the jobs that have not ended, so that the next run of the stack does not continue this workflow.

    Stops after `_CANCEL_SECONDS`, even if some jobs are left.
    """
    session.tell("cancelling the jobs of the workflow that have not ended")
    deadline_s = time.monotonic() + _CANCEL_SECONDS
    try:
        # Downstream jobs come first, so that no job becomes READY while the others are cancelled.
        for job in reversed(client.get_workflow(workflow_id).jobs):
            if time.monotonic() > deadline_s:
                session.tell(
                    "not all jobs could be cancelled in time; `tidegate local down --wipe` removes them"
                )
                return
            if not job.is_terminal:
                with suppress(ApiProblem):  # the job has ended meanwhile
                    client.cancel_job(job.job_id)
    except CliError as error:
        session.tell(f"could not cancel: {error}")


def _verdict(session: Session, report: WorkflowReport, mismatches: Sequence[str]) -> ExitCode:
    for line in mismatches:
        session.tell(f"demo: {line}")
    if mismatches:
        return ExitCode.JOB_FAILED
    if report.violations:
        session.tell("demo: the order was not legal, see above")
        return ExitCode.ERROR
    file, here = report_file_of(report.jobs), Path.cwd()
    shown = file.relative_to(here) if file is not None and file.is_relative_to(here) else file
    session.tell(f"demo: the workflow wrote its report to {shown}")
    session.tell(f"demo: all {len(report.jobs)} jobs ended as the workflow says, in a legal order")
    return ExitCode.SUCCESS
