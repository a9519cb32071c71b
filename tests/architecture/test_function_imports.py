"""Each function loads the packages that it uses and no others, because each one lengthens a cold start."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache

import pytest

from tests.harness.tracked import ROOT

FUNCTIONS = ("api", "authorizer", "console", "dispatcher", "reaper", "recorder", "worker")
AWS = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"}
"""boto3 with its own requirements."""

SHARED = {*AWS, "aws_lambda_powertools", "typing_extensions", "ulid"}
PYDANTIC = {"annotated_types", "pydantic", "pydantic_core", "typing_inspection"}
THIRD_PARTY = {
    "api": {*SHARED, *PYDANTIC},
    "authorizer": {"jwt"},  # with cryptography, which no other function loads
    "console": set[str](),  # it asks nothing of AWS
    "dispatcher": SHARED,  # it reads no body and runs no job code
    "reaper": SHARED,
    "recorder": SHARED,
    "worker": SHARED,  # job code is loaded with the first event, and brings pydantic
}
# boto3 uses these where they are installed, and no layer installs them.
OPTIONAL = {"OpenSSL", "awscrt", "certifi", "cryptography"}
INNER = {
    "adapters",
    "adapters.aws",
    "adapters.conditions",
    "adapters.dynamodb",
    "bootstrap",
    "domain",
    "domain.statistics",
    "domain.timetables",
    "domain.transitions",
    "entry",
    "ports",
    "settings",
    "usecases",
    "usecases.bounds",
    "usecases.dispatch",
    "usecases.pools",
    "usecases.release",
    "usecases.work",
}
ROOMS = {
    "api": {
        *INNER,
        "api",
        "api.routes",
        "contracts",
        "domain.costs",
        "domain.forecast",
        "domain.why",
        "usecases.callers",
        "usecases.forecast",
        "usecases.operate",
        "usecases.read",
        "usecases.recover",
        "usecases.statistics",
        "usecases.submit",
        "usecases.timetables",
    },
    "authorizer": set(),
    "console": {"console", "domain", "entry"},
    "dispatcher": INNER,
    "reaper": {
        *INNER,
        "domain.forecast",
        "usecases.callers",
        "usecases.forecast",
        "usecases.read",
        "usecases.reap",
        "usecases.record",
        "usecases.recover",
        "usecases.statistics",
        "usecases.submit",
        "usecases.timetables",
    },
    "recorder": {*INNER, "usecases.read", "usecases.record"},
    "worker": INNER,
}
"""The folders and top-level modules of tidegate. A capability that a function gains stands here with its first use."""

_PRINT_MODULES = "import sys, json, app; print(json.dumps([*sys.modules]))"


@cache
def _modules(function: str) -> frozenset[str]:
    """Returns the names of the modules that a function has loaded before its first event."""
    layers = ("authorizer",) if function == "authorizer" else ("core", "jobs")
    folders = [ROOT / "functions" / function, *(ROOT / "layers" / each for each in layers)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, folders))}
    command = [sys.executable, "-c", _PRINT_MODULES]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return frozenset(json.loads(done.stdout))


def _third_party(function: str) -> set[str]:
    tops = {name.partition(".")[0] for name in _modules(function)}
    foreign = tops - sys.stdlib_module_names - OPTIONAL - {"app", "tidegate", "tidegate_authorizer"}
    return {name for name in foreign if not name.startswith("_")}


def _rooms(function: str) -> set[str]:
    """Returns the folders of tidegate that a function loads something of, and the modules beside them."""
    core = ROOT / "layers" / "core" / "tidegate"
    inner = {tuple(name.split(".")[1:]) for name in _modules(function) if name.startswith("tidegate.")}
    return {".".join(parts) for parts in inner if len(parts) == 1 or core.joinpath(*parts).is_dir()}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_loads_no_other_package_of_others(function: str) -> None:
    assert _third_party(function) == THIRD_PARTY[function]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_loads_no_part_of_tidegate_that_it_does_not_use(function: str) -> None:
    assert _rooms(function) == ROOMS[function]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_loads_the_table_of_routes(function: str) -> None:
    assert not {"tidegate.contracts.route", "tidegate.contracts.routes"} & _modules(function)
