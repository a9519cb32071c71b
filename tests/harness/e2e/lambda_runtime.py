"""Runs built functions under Lambda's own runtime interface, with the import path that Lambda gives them."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import httpx
import samcli
from cfnlint.decode import decode
from packaging.requirements import Requirement

from tidegate_devstack import StackInfo
from tidegate_devstack.processes import free_port

PROVIDED = ("boto3", "awslambdaric")
"""The packages that the Lambda runtime brings. Each also brings those that it needs itself."""
# Without `site` there are no site-packages: the path is PYTHONPATH and the standard library.
INTERPRETER = (sys.executable, "-S", "-s", "-P")
_RUNTIME_INTERFACE = Path(samcli.__path__[0]) / "local" / "rapid"
_INVOKE = "/2015-03-31/functions/function/invocations"
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class BuiltFunction:
    """A function as `sam build` left it: its code, and the import folders of its layers in order."""

    name: str
    code: Path
    layers: tuple[Path, ...]


def built_functions(build: Path) -> dict[str, BuiltFunction]:
    """Returns all functions of a build folder, by their names in the template."""
    template, problems = decode(str(build / "template.yaml"))
    assert not problems, problems
    resources = template["Resources"]

    def layer(reference: Mapping[str, str]) -> Path:
        return Path(build / resources[reference["Ref"]]["Properties"]["ContentUri"] / "python")

    def layers(stated: Any) -> Sequence[Mapping[str, str]]:
        """Returns a function's layers on the local stack, which has the samples."""
        found: Sequence[Mapping[str, str]] = stated["Fn::If"][1] if isinstance(stated, Mapping) else stated
        return found

    return {
        str(name): BuiltFunction(
            str(name),
            build / spec["Properties"]["CodeUri"],
            tuple(layer(reference) for reference in layers(spec["Properties"]["Layers"])),
        )
        for name, spec in resources.items()
        if spec["Type"] == "AWS::Serverless::Function"
    }


def link_provided(folder: Path) -> list[str]:
    """Fills a folder with the runtime's packages, as pinned here. Returns the names of the distributions."""
    folder.mkdir()
    found = {each.name: each for each in _with_needs(PROVIDED)}
    for each in found.values():
        for name in top_level(each):
            (folder / name).symlink_to(str(each.locate_file(name)))
    return sorted(found)


def _with_needs(names: Sequence[str]) -> Iterator[Distribution]:
    for name in names:
        found = distribution(name)
        yield found
        needs = map(Requirement, found.requires or ())
        yield from _with_needs(
            [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
        )


def top_level(found: Distribution) -> set[str]:
    """Returns the files and folders that a distribution puts on the import path."""
    names = {path.parts[0] for path in found.files or ()}
    return names - {"..", "__pycache__"}


def import_path(function: BuiltFunction, provided: Path) -> list[Path]:
    """Returns the import path that Lambda gives a function, without the standard library."""
    return [function.code, *function.layers, provided]


def function_environment(
    stack: StackInfo, function: BuiltFunction, path: Sequence[Path], bytecode: Path
) -> dict[str, str]:
    """Returns the function's own variables as deployed, and those that Lambda sets, such as its role's credentials."""
    session = stack.session()
    stacks = session.client("cloudformation", endpoint_url=stack.endpoint_url)
    found = stacks.describe_stack_resource(StackName="tidegate", LogicalResourceId=function.name)
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    functions = session.client("lambda", endpoint_url=stack.endpoint_url)
    configuration = functions.get_function_configuration(FunctionName=name)
    assert configuration["Handler"] == "app.lambda_handler"
    role = session.client("sts", endpoint_url=stack.endpoint_url).assume_role(
        RoleArn=configuration["Role"], RoleSessionName=name
    )["Credentials"]
    return {
        **configuration["Environment"]["Variables"],
        "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
        "AWS_SESSION_TOKEN": role["SessionToken"],
        "AWS_REGION": stack.region,
        "AWS_DEFAULT_REGION": stack.region,
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(configuration["Timeout"]),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
        "LAMBDA_TASK_ROOT": str(function.code),
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONPYCACHEPREFIX": str(bytecode),  # the built code is not written to, as on Lambda
    }


@dataclass(frozen=True, slots=True)
class RunningFunction:
    """A function that waits for events. Its output and that of the runtime interface go to `log`."""

    url: str
    log: Path

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Returns its answer, or Lambda's report of an error."""
        answer = httpx.post(self.url, json=event, timeout=_PATIENCE_SECONDS, trust_env=False)
        return answer.json()  # with any status: a failed start has another one

    def entries(self) -> list[dict[str, Any]]:
        """Returns the lines of the function's own log so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@contextmanager
def running(function: BuiltFunction, environment: Mapping[str, str], log: Path) -> Iterator[RunningFunction]:
    """Keeps a function running under the runtime interface while the block runs."""
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    port = free_port()
    command = [
        str(_RUNTIME_INTERFACE / f"aws-lambda-rie-{machine}"),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{free_port()}"),
        *INTERPRETER,
        *("-m", "awslambdaric", "app.lambda_handler"),
    ]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=function.code,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_listens(process, port, log)
        yield RunningFunction(f"http://127.0.0.1:{port}{_INVOKE}", log)
    finally:
        process.terminate()  # terminated, it ends the interpreter too; killed, it would leave that behind
        process.wait(timeout=_PATIENCE_SECONDS)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline_s = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/", timeout=1, trust_env=False)
        except httpx.ConnectError:
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline_s, log.read_text(encoding="utf-8")
            time.sleep(0.02)
        else:
            return
