"""Shows the measurements as tables and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dev.benchmarks.peers import ceiling
from dev.benchmarks.peers.contestants import TIDEGATE, TIDEGATE_SETTINGS, Peer, Store
from dev.benchmarks.peers.measure import ALONE, BURST, CHAIN, JOIN
from dev.benchmarks.peers.rounds import Row, ratios
from dev.benchmarks.peers.usage import BUSY_MS, INVOCATIONS, READ_UNITS, REQUESTS, WRITE_UNITS, Usage

_COLUMNS = (
    ("no-ops/s", BURST, "rate"),
    ("enqueued/s", BURST, "enqueue rate"),
    ("chain s", CHAIN, "seconds"),
    ("join s", JOIN, "seconds"),
    ("p50 ms", ALONE, "p50"),
    ("p95 ms", ALONE, "p95"),
    ("DynamoDB/job", BURST, "DynamoDB requests"),
    ("SQS/job", BURST, "SQS requests"),
    ("WU/job", BURST, "write units"),
    ("RU/job", BURST, "read units"),
    ("$/million", BURST, "price"),
)
_WORDS = (
    "Rows on Redis write to memory, at most with a log that may lack the last "
    "second; rows on the local AWS make HTTP requests to an emulator in one Python process, which takes what "
    f"{ceiling.NAME!r} says. AWS itself has no such ceiling: compare rows on the same store."
)


def to_json(
    rows: Sequence[Row],
    usage: Mapping[str, Mapping[str, Usage]],
    peers: Sequence[Peer],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Returns the result file: settings, rows, and the requests by caller and operation of those on the local AWS."""
    ratio = ratios(rows, TIDEGATE)
    return {
        "settings": dict(settings),
        "contestants": {
            TIDEGATE: {"settings": TIDEGATE_SETTINGS, "store": Store.AWS, "means": "depends_on, in one call"},
            **{p.name: {"settings": p.settings, "store": p.store, "means": p.means} for p in peers},
        },
        "rows": [
            {
                "name": row.name,
                "workload": row.workload,
                "metric": row.metric,
                "unit": row.unit,
                "median": row.median,
                "lowest": row.lowest,
                "highest": row.highest,
                "values": list(row.values),
                "higher_is_better": row.is_rate,
                "tidegate_ratio": ratio.get((row.name, row.workload, row.metric)),
            }
            for row in rows
        ],
        "where_it_goes": {
            name: {workload: breakdown(used) for workload, used in by_workload.items()}
            for name, by_workload in usage.items()
        },
    }


def breakdown(used: Usage) -> dict[str, dict[str, Any]]:
    """Returns by caller: requests by operation, units by table and index, invocations and their milliseconds."""
    return {
        caller: {
            "requests": used.by_what(REQUESTS, caller),
            "write_units": used.by_what(WRITE_UNITS, caller),
            "read_units": used.by_what(READ_UNITS, caller),
            "invocations": used.total(INVOCATIONS, caller=caller),
            "busy_ms": round(used.total(BUSY_MS, caller=caller)),
        }
        for caller in used.callers()
    }


def summary(rows: Sequence[Row]) -> str:
    """Makes one line for each contestant with its medians, and one with tidegate's medians divided by those."""
    by_figure = {(row.name, row.workload, row.metric): row.median for row in rows}
    ratio = ratios(rows, TIDEGATE)
    names = [name for name in dict.fromkeys(row.name for row in rows) if name != ceiling.NAME]
    lines = ["".join((f"{'medians':30}", *(f"{head:>13}" for head, _, _ in _COLUMNS)))]
    lines += [
        _line(name, [by_figure.get((name, work, metric)) for _, work, metric in _COLUMNS]) for name in names
    ]
    lines.append("\ntidegate's median by the peer's")
    others = [name for name in names if name != TIDEGATE]
    lines += [
        _line(name, [ratio.get((name, work, metric)) for _, work, metric in _COLUMNS]) for name in others
    ]
    return "\n".join(lines) + "\n"


def _line(name: str, values: Sequence[float | None]) -> str:
    return f"{name:30}" + "".join(
        f"{'-' if value is None else format(value, ',.2f'):>13}" for value in values
    )


def ranges(rows: Sequence[Row]) -> str:
    """Makes a table of each figure with its median and the lowest and highest value of the rounds."""
    lines = []
    for workload, metric in dict.fromkeys((row.workload, row.metric) for row in rows):
        found = [row for row in rows if (row.workload, row.metric) == (workload, metric)]
        lines.append(f"\n{workload}: {metric} ({found[0].unit})")
        lines += [
            f"  {row.name:30}{row.median:10.2f}   {row.lowest:.2f} to {row.highest:.2f}" for row in found
        ]
    return "\n".join((*lines, "", _WORDS, ""))


def where_it_goes(used: Usage, jobs: int) -> str:
    """Makes a table of one workload's requests and units by caller and operation, per job."""
    lines = []
    for caller, found in breakdown(used).items():
        lines.append(f"  {caller}: {found['invocations']:g} invocations, {found['busy_ms']} ms")
        for kind in ("requests", "write_units", "read_units"):
            parts = ", ".join(f"{what} {count / jobs:.2f}" for what, count in found[kind].items())
            if parts:
                lines.append(f"    {kind.replace('_', ' ')} per job: {parts}")
    return "\n".join(lines) + "\n"
