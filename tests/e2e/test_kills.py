"""Jobs whose workers are killed again and again, and whose AWS is restarted, all run once and almost as fast as
without.

Throughput is jobs per slot-second: the number of jobs by the capacity that was up. That is the slots of each pool from
the submission to the end of the pool's last job, without those that were down. These slots count as down, each at most
once:

- the slots of a worker process that was killed, from the kill until its replacement has registered;
- the slots of a worker process that was frozen, until it goes on;
- the slots of functions that were killed, until a job begins in a process that was not there before;
- all slots of a pool while there is no dispatcher: from its kill until a job of the pool is dispatched again;
- all slots of a pool while the local AWS is down, and with it the dispatcher: from the request to end it until a job of
  the pool is dispatched again after its start.

Other losses do not count as down, so tidegate has to bear them: repeated work, the wait of lost jobs for the end of
their leases, for the reaper and for lost messages, and idle slots during the run or at its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.harness.e2e.kills import deployment, runs
from tests.harness.e2e.kills.ledger import Ledger, check_effects
from tests.harness.e2e.kills.processes import Crew, crew, function_processes, kill_functions, wait_for
from tidegate_cli.client import Client
from tidegate_cli.target import local_target
from tidegate_cli.views import JobView
from tidegate_devstack import StackInfo, down, up

pytestmark = pytest.mark.slow

JOBS = 500
WORKERS, SLOTS, FUNCTIONS = 3, 2, 4
CAPACITY = {"ecs": WORKERS * SLOTS, "lambda": FUNCTIONS}
# The timeouts are a sixth of the deployed ones (60 s, 15 s, every 60 s, messages hidden for 120 s), or as near as whole
# seconds and the template allow.
PARAMETERS = {
    "LeaseSeconds": "10",
    "HeartbeatSeconds": "2",
    "WorkerConcurrency": str(FUNCTIONS),
}
SCHEDULE_SECONDS = 10
RESEND_AFTER_SECONDS = 15
HIDDEN_SECONDS = 20
KEPT = 0.9
NO_DISPATCHER = "no dispatcher"

Say = Callable[[str], None]


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def out(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n  kills: {line}", end="", flush=True)  # noqa: T201 - figures and steps, as it runs

    return out


@pytest.fixture
def home(stack_home: Path) -> Path:
    """Returns the home of this test's own stack, so that the restart does not touch the session's."""
    return stack_home.with_name(f"{stack_home.name}-kills")


@pytest.fixture
def own_stack(home: Path, say: Say) -> Iterator[StackInfo]:
    down(say, home=home, wipe=True)
    try:
        stack = up(say, home=home, parameters=PARAMETERS)
        deployment.prepare(stack, resend_after_seconds=RESEND_AFTER_SECONDS, hidden_seconds=HIDDEN_SECONDS)
        yield stack
    finally:
        down(say, home=home, wipe=True)


@dataclass
class Trouble:
    """Makes trouble for a run, and records the capacity that was down for it."""

    stack: StackInfo
    home: Path
    ledger: Ledger
    crew: Crew
    jobs_of: dict[str, set[str]]
    say: Say
    outages: list[runs.Outage] = field(default_factory=list)
    without_dispatcher: list[float] = field(default_factory=list)

    def kill_worker(self, place: int) -> None:
        """Kills a worker process. Its slots are down until its replacement has registered."""
        from_s = time.time()
        self.crew.kill(place)
        self.crew.fill(place)
        self._down("ecs", self.crew.slots, from_s, time.time(), "worker process killed")

    def kill_worker_functions(self, most: int) -> None:
        """Kills functions in their jobs.

        Their slots are down until a job begins in a process that was not there before.
        """
        known = {entry.pid for entry in self.ledger.log()}
        killed: set[int] = set()

        def are_killed() -> bool:
            busy = {entry.pid for entry in self.ledger.under_way()}
            killed.update(kill_functions(self.stack, "WorkerFunctionName", busy, most))
            return bool(killed)

        from_s = time.time()
        wait_for("functions are killed in their jobs", are_killed)
        to_s = self._first_began_s("lambda", from_s, known)
        self._down("lambda", len(killed), from_s, to_s, "functions killed")

    def kill_dispatcher(self) -> None:
        """Kills the dispatcher. No worker gets jobs until a dispatcher runs again."""
        every = function_processes(self.stack, "DispatcherFunctionName")
        assert kill_functions(self.stack, "DispatcherFunctionName", every, len(every))
        self.without_dispatcher.append(time.time())
        self.say("dispatcher killed")

    def freeze_until_given_up(self, place: int) -> Callable[[], None]:
        """Stops a worker process with its jobs. It is down until the returned call lets it go on.

        The call waits until each job that it ran has begun elsewhere, so that the worker's own attempt is stale when it
        goes on. Then it waits until the stale attempt has found out.
        """
        from_s = time.time()
        with self.ledger.held():  # a process frozen while it writes would block all others
            pids = self.crew.freeze(place)
        held = {(entry.job_id, entry.attempt) for entry in self.ledger.under_way() if entry.pid in pids}
        assert held, "the worker that was to be frozen had no job"

        def begun_again() -> bool:
            later = {
                (entry.job_id, entry.attempt - 1) for entry in self.ledger.log() if entry.what == "began"
            }
            return held <= later

        def refused() -> bool:
            return any(
                entry.what == "refused" and (entry.job_id, entry.attempt) in held
                for entry in self.ledger.log()
            )

        def thaw() -> None:
            wait_for("what a frozen worker ran begins elsewhere", begun_again)
            # The jobs go on first: the worker would notice at once, and end them before they try anything.
            self.crew.thaw_jobs(place)
            wait_for("a stale attempt is refused", refused)
            self.crew.thaw(place)
            self._down("ecs", self.crew.slots, from_s, time.time(), "worker process frozen")

        return thaw

    def restart_aws(self) -> None:
        """Ends the local AWS and starts it again on its saved state. A pool is down until a job of it begins again."""
        from_s = time.time()
        assert down(self.say, home=self.home)
        said: list[str] = []
        again = up(said.append, home=self.home, parameters=PARAMETERS)
        assert "nothing changed since the last deployment" in said
        assert (again.port, again.pid != self.stack.pid) == (self.stack.port, True)
        self.stack = again
        back_s = time.time()
        self.without_dispatcher.append(back_s)
        for pool, slots in CAPACITY.items():
            self._down(pool, slots, from_s, back_s, "local AWS restarted")

    def undispatched(self, ended: Sequence[JobView]) -> list[runs.Outage]:
        """Returns the outages of whole pools.

        Each lasts from an end of the dispatcher until a job of the pool was dispatched again.
        """
        outages = [
            runs.Outage(pool, slots, since_s, runs.first_dispatch_s(ended, pool, since_s), NO_DISPATCHER)
            for since_s in self.without_dispatcher
            for pool, slots in CAPACITY.items()
        ]
        for one in outages:
            self.say(f"nothing of {one.pool} was dispatched for {one.to_s - one.from_s:.1f} s")
        return outages

    def _first_began_s(self, pool: str, since_s: float, known: set[int]) -> float:
        found: list[float] = []

        def begins() -> bool:
            at_s = runs.first_began_s(self.ledger, self.jobs_of[pool], since_s=since_s, not_in=known)
            found.extend([] if at_s is None else [at_s])
            return bool(found)

        wait_for(f"a job of pool {pool} begins", begins)
        return found[0]

    def _down(self, pool: str, slots: int, from_s: float, to_s: float, why: str) -> None:
        self.outages.append(runs.Outage(pool, slots, from_s, to_s, why))
        self.say(
            f"{self.ledger.count()} done; {why}: {slots} slots of {pool} were down for {to_s - from_s:.1f} s"
        )


def make_trouble(trouble: Trouble) -> None:
    """Kills worker processes, functions and the dispatcher, freezes a worker process, and restarts the local AWS."""
    runs.wait_for_effects(trouble.ledger, JOBS // 20)
    trouble.kill_worker(0)
    thaw = trouble.freeze_until_given_up(1)
    trouble.kill_worker_functions(2)
    trouble.kill_dispatcher()
    trouble.kill_worker(2)
    thaw()
    trouble.restart_aws()
    trouble.kill_worker(0)
    trouble.kill_worker_functions(2)


def warm_up(client: Client) -> None:
    """Starts the functions of pool lambda before the measurement, because the worker processes run by then as well."""
    lasting = {"type": "tidegate.sleep", "pool": "lambda", "parameters": {"seconds": 2}}
    jobs = [{"key": f"w{at}", **lasting} for at in range(FUNCTIONS * 2)]
    accepted = client.submit_workflow({"name": "warm-up", "jobs": jobs})
    wait_for("the functions are warm", lambda: client.get_workflow(accepted.id).is_terminal)


def run_jobs(
    own_stack: StackInfo, home: Path, folder: Path, say: Say, trouble: Callable[[Trouble], None] | None
) -> tuple[runs.Run, Ledger]:
    """Submits the jobs, makes trouble if there is any, and asserts that all jobs ran once and fenced."""
    folder.mkdir()
    ledger = Ledger(folder / "ledger.db")
    variables = {"PYTHONPATH": str(deployment.job_code_folder(folder))}
    with (
        crew(home, folder / "workers", variables, workers=WORKERS, slots=SLOTS) as workers,
        deployment.schedules(own_stack, SCHEDULE_SECONDS),
        Client(local_target(own_stack)) as client,
    ):
        warm_up(client)
        began_s = time.time()
        body = runs.workflow(ledger, CAPACITY, JOBS, seed=7)
        accepted = client.submit_workflow(body)
        jobs_of: dict[str, set[str]] = {pool: set() for pool in CAPACITY}
        for job in body["jobs"]:
            jobs_of[job["pool"]].add(accepted.job_ids[job["key"]])
        made = Trouble(own_stack, home, ledger, workers, jobs_of, say)
        if trouble is not None:
            trouble(made)
        ended = runs.wait_for_end(client, ledger, accepted.id, JOBS)
    check_effects(ledger, {job.job_id: job.attempt for job in ended}, runs.upstreams(accepted.job_ids))
    return runs.Run(began_s, ended, (*made.outages, *made.undispatched(ended))), ledger


def test_nothing_is_lost_and_little_time_whatever_is_killed(
    own_stack: StackInfo, home: Path, tmp_path: Path, say: Say
) -> None:
    calm, _ = run_jobs(own_stack, home, tmp_path / "calm", say, None)
    say(_figures("undisturbed", calm))
    hard, ledger = run_jobs(own_stack, home, tmp_path / "hard", say, make_trouble)
    say(_figures("disturbed", hard))
    kept = hard.jobs_per_slot_second(CAPACITY) / calm.jobs_per_slot_second(CAPACITY)
    stricter = replace(hard, outages=tuple(each for each in hard.outages if each.why != NO_DISPATCHER))
    unallowed = stricter.jobs_per_slot_second(CAPACITY) / calm.jobs_per_slot_second(CAPACITY)
    say(f"{unallowed:.1%} if the time without a dispatcher were not allowed for")
    kinds = [entry.what for entry in ledger.log()]
    say(
        f"throughput kept {kept:.1%}; {kinds.count('began') - JOBS} attempts beyond the first, "
        f"{kinds.count('refused')} stale effects refused, {kinds.count('repeated')} not repeated"
    )
    at_work = " ".join(f"{slots:.0f}" for slots in runs.slots_at_work(ledger))
    late = runs.last_to_end(hard.jobs)
    assert kept >= KEPT, f"slots at work in each five seconds: {at_work}; the last to end:\n{late}"


def _figures(name: str, run: runs.Run) -> str:
    ends = ", ".join(f"{pool} {run.seconds(pool):.1f} s" for pool in CAPACITY)
    down_seconds = run.down_slot_seconds(CAPACITY)
    return (
        f"{name}: {len(run.jobs)} jobs in {run.seconds():.1f} s ({ends}), {len(run.jobs) / run.seconds():.2f} jobs/s; "
        f"{down_seconds:.0f} slot-seconds down, {run.slot_seconds(CAPACITY):.0f} up, "
        f"{run.jobs_per_slot_second(CAPACITY):.3f} jobs per slot-second"
    )
