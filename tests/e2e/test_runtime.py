"""Each built function works under Lambda's runtime interface with its own layers and its own role.

The functions are those that `sam build` made. Their import path has their own folder, their layers and the runtime's
packages. Their credentials are those of their role. Nothing else calls functions of the stack around them, so every
effect is theirs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from packaging.requirements import Requirement

from tests.harness.e2e.lambda_runtime import (
    INTERPRETER,
    BuiltFunction,
    RunningFunction,
    built_functions,
    function_environment,
    import_path,
    link_provided,
    running,
    top_level,
)
from tests.harness.e2e.quiet import quieten
from tests.harness.functions.api_calls import EVENT_STATUS, EVENTS, read_event
from tidegate.usecases.reap.reap import ReapReport
from tidegate_devstack import StackInfo, down, up
from tidegate_devstack.places import Places

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="Lambda's runtime interface emulator is a Linux program"
)

NO_FAILURES: dict[str, list[Any]] = {"batchItemFailures": []}
NOTHING_TO_MEND = dict.fromkeys(ReapReport.__dataclass_fields__, 0)
ANSWERS = {
    "dispatcher-rules": NO_FAILURES,
    "dispatcher-schedule": {"dispatched": ANY},  # as many as the other events have submitted by then
    "dispatcher-stream": NO_FAILURES,
    "dispatcher-workers": NO_FAILURES,
    "reaper-schedule": NOTHING_TO_MEND,
    "recorder-stream": NO_FAILURES,
    "recorder-submissions": NO_FAILURES,
    "recorder-workers": NO_FAILURES,
    "webhooks-sqs": NO_FAILURES,
    "worker-sqs": NO_FAILURES,
}
WITH_WEBHOOKS = {"PublishEvents": "true", "Webhooks": "true"}
"""Parameters of the stack, because without them it lacks a function."""
STATUS = {
    **EVENT_STATUS,
    # A deployment without webhooks refuses these before it looks for the webhook.
    "api-create-webhook": 201,
    "api-enable-webhook": 404,
    "api-test-webhook": 404,
}
PAGE = "console-page"
"""Its function asks nothing of AWS, and answers with the page of the console where that was built."""
AUTHORIZER = "AuthorizerFunction"
"""It is deployed only with an issuer outside the stack, so the stack here has no role for it."""
# An event that leaves the stack calls no function of it.
ALL_EVENTS = sorted(path.stem for path in EVENTS.glob("*.json") if not path.stem.startswith("out-"))
CORE = Path(__file__).resolve().parents[2] / "dev" / "requirements" / "core.in"
LAYER_PACKAGES = sorted(
    Requirement(line).name
    for line in CORE.read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)


NEEDED_BY = {"cronsim": "api-make-timetable", "tzdata": "api-make-timetable"}
"""The event that needs a package of the layer, where `api-submit-workflow` does not."""


def function_of(event: str) -> str:
    """Returns the function that gets an event, by the first word of the event's name."""
    return f"{event.partition('-')[0].title()}Function"


class Functions:
    """The built functions, each started by its first event."""

    def __init__(self, stack: StackInfo, folder: Path, running_ones: ExitStack) -> None:
        self.stack = stack
        self.built = built_functions(Places.find().build)
        self.provided = folder / "provided"
        self.provided_names = link_provided(self.provided)
        self._folder = folder
        self._open = running_ones
        self._running: dict[str, RunningFunction] = {}

    def start(self, function: BuiltFunction, log: Path) -> RunningFunction:
        path = import_path(function, self.provided)
        environment = function_environment(self.stack, function, path, self._folder / "bytecode")
        return self._open.enter_context(running(function, environment, log))

    def __getitem__(self, name: str) -> RunningFunction:
        if name not in self._running:
            self._running[name] = self.start(self.built[name], self._folder / f"{name}.log")
        return self._running[name]

    def call_api(self, event: str, **changes: Any) -> dict[str, Any]:
        """Returns the body of the API's answer, which must be a success."""
        answer = self["ApiFunction"].invoke({**read_event(event), **changes})
        assert answer["statusCode"] < 300, answer
        body: dict[str, Any] = json.loads(answer["body"])
        return body


@pytest.fixture(scope="module")
def functions(stack_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Functions]:
    """Starts the functions beside a fresh stack of their own."""
    home = stack_home.with_name(f"{stack_home.name}-runtime")
    said: list[str] = []
    down(said.append, home=home, wipe=True)
    try:
        stack = up(said.append, home=home, parameters=WITH_WEBHOOKS)
        quieten(stack)
        with ExitStack() as running_ones:
            yield Functions(stack, tmp_path_factory.mktemp("runtime"), running_ones)
    finally:
        down(said.append, home=home, wipe=True)


def test_each_event_has_a_case_and_each_function_an_event(functions: Functions) -> None:
    assert {*STATUS, *ANSWERS, PAGE} == set(ALL_EVENTS)
    assert {function_of(event) for event in ALL_EVENTS} == functions.built.keys() - {AUTHORIZER}


def test_the_authorizer_finds_in_its_layer_what_it_needs_to_refuse_a_token(functions: Functions) -> None:
    path = import_path(functions.built[AUTHORIZER], functions.provided)
    program = (
        "import app\n"
        "event = {'methodArn': 'arn:aws:execute-api:r:1:api/live/GET/v1/jobs',\n"
        "         'headers': {'authorization': 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln'},\n"
        "         'stageVariables': {'issuer': 'https://issuer.example.com', 'audience': 'a'}}\n"
        "try:\n    app.lambda_handler(event, None)\nexcept Exception as error:\n    print(repr(error))\n"
        "from jwt.algorithms import has_crypto\nprint(has_crypto)\n"
    )
    environment = {"PYTHONPATH": ":".join(map(str, path))}
    done = subprocess.run(
        [*INTERPRETER, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["Exception('Unauthorized')", "True"]


def test_the_function_of_the_console_answers_its_event(functions: Functions, console_is_built: bool) -> None:
    answer = functions[function_of(PAGE)].invoke(read_event(PAGE))
    assert answer["statusCode"] == (200 if console_is_built else 503), answer
    assert ("<title>" in answer["body"]) is console_is_built


@pytest.mark.parametrize("event", [event for event in ALL_EVENTS if event != PAGE])
def test_a_function_answers_its_event(functions: Functions, event: str) -> None:
    function = functions[function_of(event)]
    before = len(function.entries())
    answer = function.invoke(read_event(event))
    if event in STATUS:
        assert answer["statusCode"] == STATUS[event], answer
        assert json.loads(answer["body"])
    else:
        assert answer == ANSWERS[event]
    entries = function.entries()[before:]
    assert [entry["level"] for entry in entries] == ["INFO"] * len(entries), entries
    (usage,) = [entry["usage"] for entry in entries if entry["message"] == "usage"]
    assert usage["requests"]


def test_a_job_goes_its_way_through_all_functions(functions: Functions) -> None:
    dispatch, sqs = read_event("dispatcher-schedule"), read_event("worker-sqs")
    functions["DispatcherFunction"].invoke(dispatch)
    job_id = functions.call_api("api-submit-job", body='{"type": "tidegate.noop"}', headers={})["job_id"]
    assert functions["DispatcherFunction"].invoke(dispatch) == {"dispatched": 1}
    (record,) = sqs["Records"]
    record["body"] = take(functions.stack, job_id)
    assert functions["WorkerFunction"].invoke(sqs) == NO_FAILURES
    path = f"/v1/jobs/{job_id}"
    job = functions.call_api("api-get-job", path=path, pathParameters={"job_id": job_id})
    assert job["state"] == "SUCCEEDED", job
    assert functions["ReaperFunction"].invoke(read_event("reaper-schedule")) == NOTHING_TO_MEND


def take(stack: StackInfo, job_id: str) -> str:
    """Takes the message that the dispatcher sent for a job."""
    queue = stack.session().client("sqs", endpoint_url=stack.endpoint_url)
    seen: list[str] = []
    while not any(json.loads(body)["job_id"] == job_id for body in seen):
        found = queue.receive_message(
            QueueUrl=stack.outputs["LambdaPoolQueueUrl"], MaxNumberOfMessages=10, WaitTimeSeconds=5
        )
        assert found.get("Messages"), f"no message for {job_id} among {seen}"
        seen.extend(message["Body"] for message in found["Messages"])
    return next(body for body in seen if json.loads(body)["job_id"] == job_id)


@pytest.mark.parametrize("package", LAYER_PACKAGES)
def test_a_package_that_the_layer_lacks_is_missed(functions: Functions, package: str, tmp_path: Path) -> None:
    api = functions.built["ApiFunction"]
    core, *others = api.layers
    lacking = tmp_path / "core"
    lacking.mkdir()
    modules = top_level(distribution(package))
    assert {name for name in modules if (core / name).exists()}, modules
    for each in core.iterdir():
        if each.name not in modules:
            (lacking / each.name).symlink_to(each)
    function = functions.start(replace(api, layers=(lacking, *others)), tmp_path / "log")
    answer = function.invoke(read_event(NEEDED_BY.get(package, "api-submit-workflow")))
    if "errorType" in answer:
        # A function loads the types of jobs with its first event, so its start misses no package that only they need.
        assert answer["errorType"] in ("Runtime.ImportModuleError", "ModuleNotFoundError")
        assert "No module named" in answer["errorMessage"]
    else:  # a package that is imported only when it is needed fails with the request that needs it
        assert answer["statusCode"] == 500
        errors = [entry["error"] for entry in function.entries() if entry["level"] == "ERROR"]
        assert errors == ["ModuleNotFoundError"]


def test_the_path_ends_with_the_standard_library(functions: Functions) -> None:
    for function in functions.built.values():
        path = import_path(function, functions.provided)
        environment = {"PYTHONPATH": ":".join(map(str, path))}
        command = [*INTERPRETER, "-c", "import json, sys; print(json.dumps(sys.path))"]
        found = subprocess.run(command, env=environment, capture_output=True, check=True)
        entries = [Path(entry) for entry in json.loads(found.stdout)]
        library = Path(sysconfig.get_path("stdlib"))
        archive = library.parent / f"python{sys.version_info.major}{sys.version_info.minor}.zip"
        assert entries == [*path, archive, library, library / "lib-dynload"]


def test_the_runtime_brings_the_sdk_and_its_own_client_alone(functions: Functions) -> None:
    assert functions.provided_names == [
        "awslambdaric",
        "boto3",
        "botocore",
        "jmespath",
        "python-dateutil",
        "s3transfer",
        "simplejson",
        "six",
        "snapshot-restore-py",
        "urllib3",
    ]
