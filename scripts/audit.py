"""Looks up the pinned packages in a database of known vulnerabilities, with pip-audit.

A finding fails; it is mended by a newer version, or waived with its reason in requirements/audit-waivers.txt. Where the
database can't be asked, the last line of `make check` says that nothing was checked, and the check passes: without a
network it must work, too. With TIDEGATE_AUDIT=required, as the public workflow sets it, that fails as well. That the
database answers is shown by a package that it must know: a proxy that answers everything with nothing would look like a
clean result.
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

ROOT = Path(__file__).resolve().parents[1]
DATABASE = "https://api.osv.dev/v1/query"
PINNED = (
    "requirements/dev.txt",
    "layers/core/requirements.txt",
    "layers/jobs/requirements.txt",
    "layers/samples/requirements.txt",
    "worker/requirements.txt",
)
"""What is shipped and what it is made with. The environments of checkov and of the peers touch neither."""
WAIVERS = ROOT / "requirements" / "audit-waivers.txt"
KNOWN = "jinja2==2.11.2"  # PYSEC-2021-66, among others
VARIABLE, OPTIONAL, REQUIRED = "TIDEGATE_AUDIT", "optional", "required"
_SECONDS_FOR_AN_ANSWER = "10"


class NotAnsweredError(Exception):
    """pip-audit ended without a result."""


def waived(text: str) -> list[str]:
    """The ids of the waivers in `text`, one a line, each with its reason behind it; ValueError where one has none."""
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
    """What the database says of each package in `files`; raises NotAnsweredError."""
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
    """Why the database can't be asked; None if it can."""
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder) / "known.txt"
        known.write_text(f"{KNOWN}\n", encoding="utf-8")
        try:
            answer = ask(database, [known])
        except NotAnsweredError as error:
            last = str(error).rpartition("\n")[2]
            return last.partition(":")[0].rpartition(".")[2] or "no answer"
    return None if any(each.get("vulns") for each in answer) else f"it knows nothing of {KNOWN}"


def is_required(mode: str) -> bool:
    """Whether silence of the database is a failure, as TIDEGATE_AUDIT says; ValueError where that is not known."""
    if mode not in ("", OPTIONAL, REQUIRED):
        raise ValueError(f"{VARIABLE}={mode!r} is not known; it is {OPTIONAL} or {REQUIRED}")
    return mode == REQUIRED


def audit(database: str, files: Sequence[Path], waivers: Sequence[str], *, required: bool = False) -> int:
    """Says what was found; 1 if there is a finding, or if pip-audit failed though the database answers.

    Where the database can't be asked, it is 1 only if an answer is `required`. A package that was skipped counts as one
    that could not be asked for.
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
    _say(f"NOT CHECKED for known vulnerabilities: {database} can't be asked ({reason})")
    return 1 if required else 0


def _report(answer: Sequence[dict[str, Any]], required: bool) -> int:
    found = [(each, flaw) for each in answer for flaw in each.get("vulns", ())]
    for each, flaw in found:
        mended = ", ".join(flaw["fix_versions"]) or "no version"
        _say(f"{each['name']} {each['version']} has {flaw['id']}, mended in {mended}")
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
    """The command; its options are there for tests."""
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
