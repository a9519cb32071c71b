"""How much of the domain its tests hold to: `python -m tests.mutation.run FOLDER PYTHON`.

Small mistakes are made in the domain, one at a time, and for each the tests that reach it are run; those that no test
notices are listed. PYTHON is the interpreter of the environment with the mutation tester, FOLDER is made anew.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.mutation.project import lay_out

LEAST_KILLED = 0.85
PROCESSES = 2
_STATS = "mutants/mutmut-cicd-stats.json"


def killed_share(stats: dict[str, int]) -> float:
    """The share of all mutants, 0-1, that some test noticed; one that hung or crashed was noticed too."""
    noticed = stats["killed"] + stats["timeout"] + stats["segfault"]
    return noticed / stats["total"] if stats["total"] else 0.0


def verdict(stats: dict[str, int]) -> tuple[bool, str]:
    """Whether that is enough, and a line that says so."""
    share = killed_share(stats)
    enough = share >= LEAST_KILLED
    return enough, (
        f"mutants: {share:.1%} of {stats['total']:,} were noticed, {stats['no_tests']} are reached by no test; "
        f"at least {LEAST_KILLED:.0%} are wanted"
    )


def main(folder: Path, python: str) -> int:
    """Runs it all; 0 where enough mutants were noticed."""
    lay_out(folder)
    tool = str(Path(python).absolute().parent / "mutmut")
    log = folder / "run.log"
    sys.stdout.write(f"mutants: making and testing them takes some minutes; {log} tells how far it is\n")
    sys.stdout.flush()
    with log.open("wb") as sink:
        subprocess.run(
            [tool, "run", "--max-children", str(PROCESSES)], cwd=folder, stdout=sink, stderr=sink, check=True
        )
    subprocess.run([tool, "export-cicd-stats"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    unnoticed = subprocess.run([tool, "results"], cwd=folder, check=True, capture_output=True, text=True)
    sys.stdout.write(unnoticed.stdout)
    enough, line = verdict(json.loads((folder / _STATS).read_text(encoding="utf-8")))
    sys.stdout.write(line + "\n")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
