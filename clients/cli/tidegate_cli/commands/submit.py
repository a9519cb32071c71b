"""The commands that submit jobs: `tidegate submit`, `run` and `demo`."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tidegate.domain.states import TERMINAL
from tidegate_cli.api_answers import number_of, object_of
from tidegate_cli.client import Client
from tidegate_cli.commands.forecast import verdict_lines
from tidegate_cli.commands.jobs import print_job
from tidegate_cli.documents.submissions import Document, read_document
from tidegate_cli.errors import ApiUnreachable, CliError, Interrupted, OptionError
from tidegate_cli.exit_codes import ExitCode
from tidegate_cli.following.follow import WaitTimedOut, exit_code_of
from tidegate_cli.following.live import viewer_for
from tidegate_cli.following.report import build_report, print_report, report_json
from tidegate_cli.following.usage import Usage, collect_settled
from tidegate_cli.following.watching import watch, way_on
from tidegate_cli.interrupts import ends_like_ctrl_c
from tidegate_cli.options import (
    DEFAULT_WAIT_SECONDS,
    LOCAL_STACK_ONLY,
    ApiUrlOption,
    CriticalPathWeightOption,
    DryRunOption,
    FileArgument,
    IdempotencyKeyOption,
    OutputOption,
    PoolOption,
    PriorityOption,
    Session,
    SpeedOption,
    TimeoutOption,
    refuse_api_url,
    session_of,
)
from tidegate_cli.target import Target
from tidegate_cli.views import JobView, WorkflowView, printable
from tidegate_cli.worker_child import WorkerChild, wait_until_registered, worker_children
from tidegate_devstack import Places

_PROCESS_POOL = "ecs"
_COUNTED_PAUSES_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0)


def submit(
    context: typer.Context,
    file: FileArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the jobs to their end.")] = False,
    timeout_seconds: TimeoutOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    pool: PoolOption = None,
    priority: PriorityOption = None,
    critical_path_weight: CriticalPathWeightOption = None,
    speed: SpeedOption = None,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Submit a job or a workflow. The command recognises by the content of FILE which one it is.

    Where FILE has a `finish_by` of its own, a forecast tells on standard error whether it will be met, and what would
    help. It does not judge the times of a workflow's jobs.

    Example: echo '{"type": "tidegate.sleep", "parameters": {"seconds": 2}}' | tidegate submit - --wait
    """
    session = session_of(context, output, api_url)
    if timeout_seconds is not None and not wait:
        raise OptionError("--timeout-seconds", "means nothing without --wait: add --wait, or leave it out")
    if dry_run and wait:
        raise OptionError(
            "--wait", "means nothing with --dry-run, which submits nothing: leave one of them out"
        )
    document = read_document(
        file, speed=speed, pool=pool, priority=priority, critical_path_weight=critical_path_weight
    )
    with session.client() as client:
        if dry_run:
            _say_what_would_be(session, client, document)
            return
        submitted, raw, key = _send(client, document, idempotency_key)
        if not session.is_structured:
            session.out.print(printable(submitted), markup=False, highlight=False)
        if not wait:
            if session.is_structured:
                session.show({**raw, "idempotency_key": key})
            with ends_like_ctrl_c():
                _tell_verdict(session, client, document, submitted)
            return
        session.tell(f"submitted as {submitted}; following until the end")
        try:
            with ends_like_ctrl_c():
                _tell_verdict(session, client, document, submitted)
                jobs = _follow(client, session, document, submitted, timeout_seconds)
        except (WaitTimedOut, Interrupted):
            if session.is_structured:
                session.show({**raw, "idempotency_key": key})  # the submission is accepted all the same
            raise
        if session.is_structured:
            found = _once_counted(client, submitted).as_json() if document.is_workflow else dict(jobs[0].raw)
            session.show({**found, "idempotency_key": key})
    raise typer.Exit(exit_code_of(jobs))


def run(
    context: typer.Context,
    file: FileArgument,
    speed: SpeedOption = None,
    slots: Annotated[
        int,
        typer.Option(
            "--slots",
            min=0,
            max=256,
            help="Run a worker process with so many slots during the run, in the pool of --pool "
            f"(default: {_PROCESS_POOL}). Local stack only.",
        ),
    ] = 0,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, max=64, help="Number of worker processes. Default: 1.", show_default=False
        ),
    ] = None,
    timeout_seconds: TimeoutOption = None,
    idempotency_key: IdempotencyKeyOption = None,
    pool: PoolOption = None,
    priority: PriorityOption = None,
    critical_path_weight: CriticalPathWeightOption = None,
    output: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Submit FILE, follow it to the end, and report.

    The report has the jobs in the order they ran, the critical path, and on the local stack the AWS usage.

    Example: tidegate run examples/trace.json --speed 60 --slots 8
    """
    session = session_of(context, output, api_url)
    if workers is not None and not slots:
        raise OptionError("--workers", "means nothing without --slots: add --slots, the slots of each worker")
    chosen = pool or (_PROCESS_POOL if slots else None)
    document = read_document(
        file, speed=speed, pool=chosen, priority=priority, critical_path_weight=critical_path_weight
    )
    target = session.target()
    since_ms = int(time.time() * 1_000)
    with ExitStack() as stack:
        stack.enter_context(ends_like_ctrl_c())
        children: Sequence[WorkerChild] = ()
        if slots:
            children = stack.enter_context(
                _workers(target, session, chosen or _PROCESS_POOL, workers or 1, slots)
            )
        client = stack.enter_context(session.client(target))
        submitted, _, _ = _send(client, document, idempotency_key)
        session.tell(f"submitted as {submitted}")
        jobs = _follow(client, session, document, submitted, timeout_seconds, children)
        if document.is_workflow:
            jobs = client.get_workflow(submitted).jobs
    logs = [child.log for child in children]
    usage = None if target.local is None else collect_settled(target.local, since_ms, logs)
    raise typer.Exit(_report(session, submitted, document, jobs, usage))


def demo(
    context: typer.Context,
    source: Annotated[
        Path | None,
        typer.Option(
            "--source",
            exists=True,
            file_okay=False,
            help="Folder of Python files to analyse. Default: the standard library.",
        ),
    ] = None,
    slots: Annotated[int, typer.Option("--slots", min=1, max=64, help="Slots of the worker process.")] = 4,
    keep_up: Annotated[bool, typer.Option("--keep-up", help="Leave the local stack running.")] = False,
    output: OutputOption = None,
) -> None:
    """Run the demo workflow on the local stack.

    The command starts the stack, runs and checks the workflow, and stops the stack.

    Example: tidegate demo --source . --keep-up
    """
    from tidegate_cli.demo.run import run_demo  # no other command needs it

    session = session_of(context, output)
    refuse_api_url(session, "demo")
    session.refuse_target_options(LOCAL_STACK_ONLY)
    with ends_like_ctrl_c():
        code = run_demo(session, source=source, slots=slots, keep_up=keep_up)
    raise typer.Exit(code)


def register(app: typer.Typer) -> None:
    """Adds the commands submit, run and demo to `app`."""
    commands: Sequence[Callable[..., None]] = (submit, run, demo)
    for command in commands:
        app.command()(command)


def _say_what_would_be(session: Session, client: Client, document: Document) -> None:
    foreseen = (client.foresee_workflow if document.is_workflow else client.foresee_job)(document.body)
    if session.is_structured:
        session.show(foreseen)
        return
    states, pools = (
        ", ".join(f"{count:,} {name}" for name, count in object_of(foreseen, field).items())
        for field in ("states", "pools")
    )
    text = f"{number_of(foreseen, 'job_count'):,} jobs would be submitted: {states}; by pool: {pools}"
    session.out.print(printable(text), markup=False, highlight=False)


def _send(client: Client, document: Document, key: str | None) -> tuple[str, dict[str, object], str]:
    """Submits a document, and returns the id, the API's answer and the idempotency key.

    If no answer comes, or on Ctrl-C, the error names the key, so that the same command can find the submission again.
    """
    send = client.submit_workflow if document.is_workflow else client.submit_job
    used = key or str(uuid.uuid4())
    way_on = f"it is not known whether it was accepted; repeat the command with --idempotency-key {used}"
    try:
        accepted = send(document.body, used)
    except ApiUnreachable as error:
        raise ApiUnreachable(f"{error}\n  {way_on}") from error
    except KeyboardInterrupt as error:
        raise Interrupted(f"interrupted while submitting; {way_on}") from error
    return accepted.id, dict(accepted.raw), accepted.idempotency_key


def _tell_verdict(session: Session, client: Client, document: Document, submitted: str) -> None:
    """Tells whether a time to finish by will be met. The submission stands, also where no forecast comes.

    Raises Interrupted on Ctrl-C.
    """
    if not document.body.get("finish_by"):
        return
    ask = client.forecast_workflow if document.is_workflow else client.forecast_job
    try:
        with client.tried_once():
            lines = list(verdict_lines(ask(submitted)))
    except KeyboardInterrupt as error:
        goes_on = f"{'workflow' if document.is_workflow else 'job'} {submitted} goes on"
        raise Interrupted(f"interrupted; {goes_on}{way_on(submitted, document.is_workflow)}") from error
    except CliError as error:
        lines = [f"no forecast: {error}"]
    for line in lines:
        session.tell(line)


def _once_counted(client: Client, workflow_id: str) -> WorkflowView:
    """Returns a workflow whose jobs have all ended, once its counts say so too, or as it is after some seconds.

    The jobs are counted from the stream of their changes, so the counts come moments later.
    """
    for pause_seconds in _COUNTED_PAUSES_SECONDS:
        counts = object_of(client.workflow_page(workflow_id).raw, "counts")
        if all(state in TERMINAL for state in counts):
            break
        time.sleep(pause_seconds)
    return client.get_workflow(workflow_id)


def _follow(
    client: Client,
    session: Session,
    document: Document,
    submitted: str,
    timeout_seconds: float | None,
    children: Sequence[WorkerChild] = (),
) -> tuple[JobView, ...]:
    with viewer_for(session.err) as viewer:
        jobs = watch(
            client,
            submitted,
            viewer,
            of_workflow=document.is_workflow,
            title=str(document.body.get("name") or submitted),
            timeout_seconds=timeout_seconds or DEFAULT_WAIT_SECONDS,
            checks=[child.check for child in children],
        )
    if not document.is_workflow and not session.is_structured:
        print_job(jobs[0], session.err)
    return jobs


def _report(
    session: Session, submitted: str, document: Document, jobs: Sequence[JobView], usage: Usage | None
) -> ExitCode:
    name = document.body.get("name")
    report = build_report(submitted, name if isinstance(name, str) else None, jobs, usage)
    if session.is_structured:
        session.show(report_json(report))
    else:
        print_report(report, session.out)
    code = exit_code_of(jobs)
    return ExitCode.ERROR if code is ExitCode.SUCCESS and report.violations else code


@contextmanager
def _workers(
    target: Target, session: Session, pool: str, processes: int, slots: int
) -> Iterator[Sequence[WorkerChild]]:
    if target.local is None:
        raise OptionError(
            "--slots", "starts worker processes for the local stack only; run `tidegate worker` by itself"
        )
    home = Places.find().home
    with worker_children(target.local, home, pool=pool, processes=processes, slots=slots) as children:
        wait_until_registered(target.local, pool, children)
        session.tell(f"{processes} x {slots} slots of worker processes serve pool {pool}")
        yield children
