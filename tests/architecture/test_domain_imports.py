"""The domain's tests load no library that `make mutants` does not install, and nothing that it does not lay out."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions

import pytest

from tests.harness.mutation.run import LAID_OUT
from tests.harness.tracked import ROOT, tracked

LOCKED = ROOT / "dev" / "requirements" / "mutants.txt"
LOADS = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
print(json.dumps([name for name in sys.modules]))
"""


def _loaded_by(names: list[str]) -> set[str]:
    """Returns the outermost names of all modules that are loaded once these are."""
    done = subprocess.run(
        [sys.executable, "-c", LOADS, *names],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([".", LAID_OUT["src"]])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)}


def _foreign(tops: set[str]) -> set[str]:
    """Returns those of the modules that no package of the mutation tester's environment has, and that are not ours."""
    locked = set(re.findall(r"^([a-z0-9-]+)==", LOCKED.read_text(encoding="utf-8"), re.MULTILINE))
    of = {
        top: {re.sub(r"[-_.]+", "-", each).lower() for each in distributions}
        for top, distributions in packages_distributions().items()
    }
    known = {*sys.stdlib_module_names, "__main__", "tidegate", "tests"}
    return {top for top in tops - known if not of.get(top, set()) & locked and not top.startswith("_")}


def test_the_domains_tests_load_no_library_that_mutants_lack() -> None:
    tested = [
        str(path.relative_to(ROOT).with_suffix("")).replace("/", ".")
        for path in tracked("tests/domain/*.py", "tests/harness/domain/*.py", "tests/conftest.py")
    ]
    assert len(tested) > 40
    assert _foreign(_loaded_by(tested)) == set()


@pytest.mark.parametrize(
    ("module", "foreign"),
    [("tidegate.adapters.dynamodb.index", "boto3"), ("dev.simulator.memory.services", "dev")],
)
def test_what_mutants_lack_is_seen(module: str, foreign: str) -> None:
    assert foreign in _foreign(_loaded_by([module]))
