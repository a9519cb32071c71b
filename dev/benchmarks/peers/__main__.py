"""Compares tidegate with its peers on this machine; see docs/explanation/peers.md.

Example, a quick look of about two minutes:

    python -m dev.benchmarks.peers --rounds 1 --jobs 200 --single-calls 50 --chain 20 --join 40 --alone 10 \\
        --peer celery-sqs-threads --peer huey-redis-memory
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from dev.benchmarks.own_stack import say
from dev.benchmarks.peers.ceiling import ceiling
from dev.benchmarks.peers.contestants import TIDEGATE, Peer, Store, chosen
from dev.benchmarks.peers.counted_stack import CountedStack, Credentials, counted_stack
from dev.benchmarks.peers.measure import BURST, Contestant, Sizes, measure
from dev.benchmarks.peers.peer_side import PEERS_PYTHON, peer_on_aws, peer_on_redis
from dev.benchmarks.peers.redis_server import find_redis, redis_server
from dev.benchmarks.peers.report import ranges, summary, to_json, where_it_goes
from dev.benchmarks.peers.rounds import Sample, interleaved, rows_of
from dev.benchmarks.peers.tidegate_side import tidegate_on_aws
from dev.benchmarks.peers.usage import Usage

RESULTS = Path(__file__).resolve().parents[1] / "results" / "peers.json"
CELERY_USER = "celery"

UsageByWorkload = dict[str, dict[str, Usage]]  # by contestant, then by workload


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds, interleaved (default 3)")
    parser.add_argument("--slots", type=int, default=8, help="jobs that each worker runs at once (default 8)")
    parser.add_argument("--jobs", type=int, default=1_000, help="no-ops (default 1000)")
    parser.add_argument(
        "--single-calls", type=int, default=200, help="no-ops with a call each, tidegate only (default 200)"
    )
    parser.add_argument("--chain", type=int, default=100, help="jobs in the chain (default 100)")
    parser.add_argument(
        "--join", type=int, default=200, help="jobs that the last one waits for (default 200)"
    )
    parser.add_argument("--alone", type=int, default=30, help="single jobs, one after the other (default 30)")
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        help="peers whose name begins like this; may be repeated (default all)",
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="the result file")
    given = parser.parse_args(arguments)
    if given.rounds < 1 or given.slots < 1:
        parser.error("--rounds and --slots must be 1 or more")
    if given.jobs < 1 or min(given.single_calls, given.chain, given.join, given.alone) < 0:
        parser.error("--jobs must be 1 or more, other counts 0 (leaves the workload out) or more")
    try:
        given.peers = chosen(given.peer)
    except ValueError as error:
        parser.error(str(error))
    return given


def with_redis(peers: Sequence[Peer]) -> tuple[Peer, ...]:
    """Returns the peers that can run here. Prints which can't run, and what they need."""
    if find_redis() is not None or all(peer.store is Store.AWS for peer in peers):
        return tuple(peers)
    say(
        "peers: no redis-server on the PATH, so the Redis rows are left out; install it: apt-get install redis-server"
    )
    return tuple(peer for peer in peers if peer.store is Store.AWS)


def _running(
    who: Peer | None,
    number: int,
    slots: int,
    stack: CountedStack,
    celery: Credentials,
    folder: Path,
    also: ExitStack,
) -> AbstractContextManager[Contestant]:
    if who is None:
        return tidegate_on_aws(stack, slots, folder)
    log = folder / f"{who.name}-{number}.log"
    if who.store is Store.AWS:
        return peer_on_aws(who, slots, stack, celery, log)
    url = also.enter_context(redis_server(find_redis() or "redis-server", who.store.value))
    return peer_on_redis(who, slots, url, log)


def _usage_of(who: Peer | None, stack: CountedStack) -> Callable[[], Usage] | None:
    """Counts the usage of one contestant. While Celery runs, tidegate's ticks go on and count for nobody."""
    if who is None:
        return stack.usage
    return (lambda: stack.usage().only(CELERY_USER)) if who.store is Store.AWS else None


def run(
    given: argparse.Namespace, peers: Sequence[Peer], save: Callable[[list[Sample], UsageByWorkload], None]
) -> None:
    """Runs all rounds. After each turn, calls `save` with all samples so far and the last usage on the local AWS."""
    samples: list[Sample] = []
    used: UsageByWorkload = {}
    with counted_stack() as stack, tempfile.TemporaryDirectory(prefix="tidegate-bench-logs-") as logs:
        celery = stack.add_user(CELERY_USER)
        for number, who in interleaved((None, *peers), given.rounds):
            name = who.name if who else TIDEGATE
            say(f"peers: round {number} of {given.rounds}: {name}")
            if who is None:
                samples.extend(ceiling(stack))
            calls = given.single_calls if who is None else 0
            sizes = Sizes(given.jobs, calls, given.chain, given.join, given.alone)
            usage = _usage_of(who, stack)
            with ExitStack() as also:
                contestant = also.enter_context(
                    _running(who, number, given.slots, stack, celery, Path(logs), also)
                )
                for found in measure(contestant, sizes, given.slots, usage):
                    if isinstance(found, Sample):
                        samples.append(found)
                    else:
                        used.setdefault(name, {})[found[0]] = found[1]
            save(samples, used)


def main() -> int:
    """Measures, prints and writes the result. Returns 2 where the peers' environment is missing."""
    given = options()
    if not PEERS_PYTHON.exists():
        say("peers: the peers' environment is missing; `make -C dev/benchmarks peers` makes it")
        return 2
    peers = with_redis(given.peers)
    names = ("rounds", "slots", "jobs", "single_calls", "chain", "join", "alone")
    settings = {name: getattr(given, name) for name in names}
    text = ""

    def save(samples: list[Sample], used: UsageByWorkload) -> None:
        nonlocal text
        rows = rows_of(samples)
        result = json.dumps(to_json(rows, used, peers, settings), indent=2)
        given.output.write_text(f"{result}\n", encoding="utf-8")
        text = summary(rows) + ranges(rows)
        for name, by_workload in used.items():
            text += f"\n{name}: where {BURST} go, last round\n{where_it_goes(by_workload[BURST], given.jobs)}"

    run(given, peers, save)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
