"""The shapes of the calls that the adapters make: the calls without their values.

The suite watches its clients: if an adapter makes a call in a shape that docs/reference/aws-truth.md does not list, the
test that made the call fails. `python -m tests.harness.contract.shapes` runs the tests that call AWS's doubles,
collects the shapes, and prints them. With `--write` it writes them into the page.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.harness import moto_statements
from tests.harness.contract.call_shapes import Shape, shapes_of
from tests.harness.contract.truths import truths_of
from tests.harness.faults.sites import ROOT, Site, find_sites, site_under_way
from tidegate.adapters.aws.clients import AwsClients

PAGE = ROOT / "docs" / "reference" / "aws-truth.md"
BEGIN, END = "<!-- generated: shapes -->", "<!-- end of generated -->"
# Names the environment variable with a folder to collect into. A run that collects does not compare.
COLLECT = "TIDEGATE_SHAPES"
_RUNS = (
    # test_shapes.py compares with the old page.
    ("tests/contract", "--ignore=tests/contract/test_shapes.py", "-n", "auto"),
    # Some statements are made only after another one failed or was not understood.
    ("tests/faults", "-n", "auto"),
    ("tests/attack/test_reopenings.py", "tests/attack/test_memory.py"),
)
_ROW = re.compile(r"^\| `(?P<text>[^`]+)` \| (?P<sites>[^|]+) \| (?P<truths>[^|]+) \|$")
_SITES, _ = find_sites()


# --- watching --------------------------------------------------------------------------------------------


def watch(clients: AwsClients) -> None:
    """Compares every call that the adapters make through these clients with the page, before it is sent."""
    for client in (clients.dynamodb, clients.sqs, clients.eventbridge):
        client.meta.events.register("provide-client-params", _look)


def _look(params: dict[str, Any], model: Any, **_: Any) -> None:
    site = _site()
    if site is None:
        return
    for shape in shapes_of(model.name, params):
        if COLLECT in os.environ:
            _collect(Path(os.environ[COLLECT]), shape, site)
        else:
            assert shape in listed(), (
                f"{site} asks AWS in a shape that {PAGE.name} does not list: {shape}; say there what AWS answers, "
                "and run `python -m tests.harness.contract.shapes --write`"
            )


def _site() -> Site | None:
    """Returns the place in the adapters that made the call, or None if a test made it itself."""
    if moto_statements.is_under_way():
        return None  # the calls by which a double emulates a statement are none of the adapters' own
    try:
        return site_under_way(_SITES)
    except AssertionError:
        return None


def _collect(folder: Path, shape: Shape, site: Site) -> None:
    with (folder / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps([shape.operation, shape.text, site.module, site.function]) + "\n")


# --- the page --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """The page's entry for a shape: the functions that make such calls, and the truths that hold for it."""

    sites: tuple[str, ...]
    truths: tuple[str, ...]


@cache
def listed() -> Mapping[Shape, Row]:
    """Returns the shapes on the page."""
    found: dict[Shape, Row] = {}
    operation = ""
    for line in generated_part(PAGE.read_text(encoding="utf-8")).splitlines():
        if line.startswith("### "):
            operation = line.removeprefix("### ")
        match = _ROW.match(line)
        if match:
            text = match["text"].replace("¦", "|")
            sites = tuple(re.findall(r"[\w.]+: [\w.]+", match["sites"]))
            found[Shape(operation, text)] = Row(sites, tuple(match["truths"].split()))
    return found


def generated_part(page: str) -> str:
    """Returns the part of the page that this module writes."""
    return page.partition(BEGIN)[2].partition(END)[0]


def collected() -> dict[Shape, set[str]]:
    """Runs the tests and collects the shapes of their calls, with the functions that made them."""
    with tempfile.TemporaryDirectory(prefix="tidegate-shapes-") as folder:
        environment = {**os.environ, COLLECT: folder}
        for arguments in _RUNS:
            command = [sys.executable, "-m", "pytest", "-q", "-x", *arguments]
            subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=sys.stderr)
        shapes: dict[Shape, set[str]] = {}
        for file in sorted(Path(folder).glob("*.jsonl")):
            for line in file.read_text(encoding="utf-8").splitlines():
                operation, text, module, function = json.loads(line)
                shapes.setdefault(Shape(operation, text), set()).add(f"{module}: {function}")
    return shapes


def rendered(shapes: Mapping[Shape, Iterable[str]]) -> str:
    """Returns the tables of the page, one for each operation."""
    lines: list[str] = []
    for operation in sorted({shape.operation for shape in shapes}):
        lines += ["", f"### {operation}", "", "| shape | asked by | truths |", "|---|---|---|"]
        for shape in sorted(shapes):
            if shape.operation == operation:
                sites = ", ".join(sorted(shapes[shape]))
                truths = " ".join(truths_of(operation, shape.text))
                lines.append(f"| `{shape.text.replace('|', '¦')}` | {sites} | {truths} |")
    return "\n".join(lines) + "\n\n"


def main(arguments: list[str]) -> int:
    """Prints the shapes. `--write` writes them into the page. Returns 0."""
    shapes = collected()
    text = rendered(shapes)
    if "--write" in arguments:
        page = PAGE.read_text(encoding="utf-8")
        head, tail = page.partition(BEGIN)[0], page.partition(END)[2]
        PAGE.write_text(f"{head}{BEGIN}\n{text}{END}{tail}", encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
