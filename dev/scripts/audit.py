"""Looks up the pinned packages in a database of known vulnerabilities, with pip-audit.

A known vulnerability fails the check. Take a newer version, or waive the finding with its reason in
dev/requirements/audit-waivers.txt.

If the database can't be reached, the last line of `make check` says that nothing was checked, and the check passes,
because `make check` must work without a network. With TIDEGATE_AUDIT=required, as the public workflow sets it, an
unreachable database fails the check too. The script first looks up a package that the database must know: a proxy that
answers every request with an empty result would otherwise look like a clean result.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "https://api.osv.dev/v1/query"
PINNED = (
    "dev/requirements/dev.txt",
    "layers/authorizer/requirements.txt",
    "layers/core/requirements.txt",
    "layers/jobs/requirements.txt",
    "layers/samples/requirements.txt",
    "worker/requirements.txt",
)
"""The packages that are shipped, and those that build them.

The environments of checkov, of the peers and of the mutation tester do neither.
"""
WAIVERS = ROOT / "dev" / "requirements" / "audit-waivers.txt"
KNOWN = "jinja2==2.11.2"  # PYSEC-2021-66, among others
VARIABLE, OPTIONAL, REQUIRED = "TIDEGATE_AUDIT", "optional", "required"
_SECONDS_FOR_AN_ANSWER = "10"


class NotAnsweredError(Exception):
    """pip-audit ended without a result."""


def waived(text: str) -> list[str]:
    """Returns the ids that `text` waives: one on each line, followed by its reason.

    Empty lines and lines that begin with # are skipped. Raises ValueError if an id has no reason.
    """
    ids = []
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 2:
            raise ValueError(f"{words[0]} is waived without a reason")
        ids.append(words[0])
    return ids


def ask(database: str, files: Sequence[Path], waivers: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Looks up every package in `files`, and returns pip-audit's entry for each of them.

    `database` is the address of the OSV query API, `waivers` are ids to leave out. Raises NotAnsweredError if pip-audit
    prints no result.
    """
    command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", "osv", "--osv-url", database]
    options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--format", "json", "--timeout"]
    listed = [part for file in files for part in ("--requirement", str(file))]
    ignored = [part for each in waivers for part in ("--ignore-vuln", each)]
    ran = subprocess.run(
        [*command, *options, _SECONDS_FOR_AN_ANSWER, *listed, *ignored],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        answer: list[dict[str, Any]] = json.loads(ran.stdout)["dependencies"]
    except (ValueError, KeyError) as error:
        raise NotAnsweredError(ran.stderr.strip()) from error
    return answer


def unreachable(database: str) -> str | None:
    """Returns the reason why the database can't be used; None if it answers as it should."""
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known.txt"
        known.write_text(f"{KNOWN}\n", encoding="utf-8")
        try:
            answer = ask(database, [known])
        except NotAnsweredError as error:
            last = str(error).rpartition("\n")[2]
            return last.partition(":")[0].rpartition(".")[2] or "no answer"
    return None if any(each.get("vulns") for each in answer) else f"it knows no vulnerability of {KNOWN}"


def is_required(mode: str) -> bool:
    """True if an unreachable database is a failure. `mode` is the value of TIDEGATE_AUDIT, empty if it is not set.

    Raises ValueError for a value that is neither "optional" nor "required".
    """
    if mode not in ("", OPTIONAL, REQUIRED):
        raise ValueError(f"{VARIABLE}={mode!r} is not known; use {OPTIONAL} or {REQUIRED}")
    return mode == REQUIRED


def audit(database: str, files: Sequence[Path], waivers: Sequence[str], *, required: bool = False) -> int:
    """Looks up the packages in `files`, prints the result, and returns the exit code.

    The code is 1 if there is a finding, or if pip-audit fails although the database answers. If the database can't be
    reached, or pip-audit skips a package, the code is 1 only if an answer is `required`.
    """
    reason = unreachable(database)
    if reason is None:
        try:
            return _report(ask(database, files, waivers), required)
        except NotAnsweredError as error:
            reason = unreachable(database)
            if reason is None:
                _say(f"pip-audit failed:\n{error}")
                return 1
    _say(f"NOT CHECKED for known vulnerabilities: {database} can't be reached ({reason})")
    return 1 if required else 0


def _report(answer: Sequence[dict[str, Any]], required: bool) -> int:
    found = [(each, flaw) for each in answer for flaw in each.get("vulns", ())]
    for each, flaw in found:
        mended = ", ".join(flaw["fix_versions"]) or "no version"
        _say(f"{each['name']} {each['version']} has {flaw['id']}, fixed in {mended}")
    skipped = [each for each in answer if "skip_reason" in each]
    for each in skipped:
        _say(f"NOT CHECKED: {each['name']}: {each['skip_reason']}")
    looked_up = sum("vulns" in each for each in answer)
    if not found:
        _say(f"{looked_up} packages looked up, no known vulnerability")
    return 1 if found or (required and skipped) else 0


def _say(line: str) -> None:
    sys.stdout.write(f"audit: {line}\n")


def main() -> int:
    """Runs the audit and returns the exit code. Tests use the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--database", default=DATABASE)
    parser.add_argument("--waivers", type=Path, default=WAIVERS)
    parser.add_argument("files", nargs="*", type=Path, default=[ROOT / name for name in PINNED])
    given = parser.parse_args()
    required = is_required(os.environ.get(VARIABLE, ""))
    waivers = waived(given.waivers.read_text(encoding="utf-8"))
    return audit(given.database, given.files, waivers, required=required)


if __name__ == "__main__":
    sys.exit(main())
