"""Runs AWS SAM to build and deploy the template."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tidegate_devstack import console_build
from tidegate_devstack.errors import LocalStackError
from tidegate_devstack.model import ACCESS_KEY_ID, REGION, STACK_NAME, Progress
from tidegate_devstack.places import Places
from tidegate_devstack.private_files import open_private
from tidegate_devstack.root_key import read_root_secret

BUILD_TAG = "tidegate:build"
BUILD_PARAMETERS = ("Runtime", "Architecture")
"""The parameters of the template that a build depends on. The others change the deployment alone."""
_HASH_FILE = "content.sha256"
_NOT_SOURCE = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}


def local_parameters(project: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Returns the template's parameters for a local stack.

    They are those of samconfig.toml's environment `local`, then runtime and architecture of this Python, then `extra`.
    """
    with (project / "samconfig.toml").open("rb") as file:
        config = tomllib.load(file)
    given = config["local"]["deploy"]["parameters"]["parameter_overrides"]
    machine = platform.machine().lower()
    return {
        **dict(text.split("=", 1) for text in given),
        "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
        "Architecture": "arm64" if machine in {"arm64", "aarch64"} else "x86_64",
        **extra,
    }


def build_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Returns the parameters that a build depends on.

    All homes of a project share its build. Stacks with other parameters would otherwise build it again for each other.
    """
    return {name: parameters[name] for name in BUILD_PARAMETERS if name in parameters}


def content_hash(project: Path, parameters: Mapping[str, str]) -> str:
    """Returns a SHA-256 digest of all that a build depends on: template, code, locked packages, its parameters.

    The console is no part of it: `add_console` puts it into the build, and into the digest of the deployment.
    """
    digest = hashlib.sha256()
    for name in sorted(parameters):
        digest.update(f"{name}={parameters[name]}\0".encode())
    for path in _sources(project):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(project).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def deployment_hash(built_from: str, parameters: Mapping[str, str]) -> str:
    """Returns a SHA-256 digest of a build, given by its own digest, and all parameters of its deployment."""
    given = "".join(f"{name}={parameters[name]}\0" for name in sorted(parameters))
    return hashlib.sha256(f"{built_from}\0{given}".encode()).hexdigest()


def _sources(project: Path) -> Iterator[Path]:
    yield project / "template.yaml"
    yield project / "samconfig.toml"
    lock = project / "dev" / "requirements" / "dev.txt"
    if lock.is_file():
        yield lock
    for name in ("functions", "layers"):
        for folder, folders, files in os.walk(project / name):
            folders[:] = sorted(set(folders) - _NOT_SOURCE)
            yield from (Path(folder, file) for file in sorted(files) if not file.endswith(".pyc"))


def build(places: Places, parameters: Mapping[str, str], digest: str, progress: Progress) -> None:
    """Builds functions and layers, unless the present build was made from content with the same `digest`.

    The console is left out. Raises LocalStackError, with the end of SAM's output, if the build fails.
    """
    stamp = places.build / _HASH_FILE
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        progress("nothing changed since the last build")
        return
    progress("building functions and layers (sam build)")
    stamp.unlink(missing_ok=True)
    _run(
        "build",
        [
            "build",
            "--template-file",
            str(places.project / "template.yaml"),
            "--build-dir",
            str(places.build),
            "--cache-dir",
            str(places.project / ".aws-sam" / "local-cache"),
            "--cached",
            "--parallel",
            "--parameter-overrides",
            *_overrides(parameters),
        ],
        places,
        endpoint_url=None,
    )
    stamp.write_text(digest, encoding="utf-8")


def deploy(
    places: Places, parameters: Mapping[str, str], digest: str, endpoint_url: str, progress: Progress
) -> None:
    """Deploys the build to the emulator at `endpoint_url`, and tags the stack with `digest`.

    Raises LocalStackError, with the end of SAM's output, if the deployment fails.
    """
    progress("deploying the template (sam deploy)")
    _run(
        "deploy",
        [
            "deploy",
            "--template-file",
            str(places.build / "template.yaml"),
            "--config-file",
            str(places.project / "samconfig.toml"),
            "--config-env",
            "local",
            "--stack-name",
            STACK_NAME,
            "--region",
            REGION,
            "--no-progressbar",
            "--tags",
            f"{BUILD_TAG}={digest}",
            "--parameter-overrides",
            *_overrides(parameters),
        ],
        places,
        endpoint_url=endpoint_url,
    )


def _overrides(parameters: Mapping[str, str]) -> Sequence[str]:
    return [f"{name}={value}" for name, value in sorted(parameters.items())]


def _run(verb: str, arguments: Sequence[str], places: Places, *, endpoint_url: str | None) -> None:
    program = Path(sys.executable).parent / "sam"
    executable = str(program) if program.is_file() else shutil.which("sam")
    if executable is None:
        raise LocalStackError("AWS SAM is not installed in this environment: run `make setup`")
    places.claim_home()
    # A build makes no calls to AWS, so it gets no real secret.
    secret = "none" if endpoint_url is None else read_root_secret(places)
    with open_private(places.sam_log) as log:
        child = subprocess.Popen(
            [executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=places.project,
            env=_environment(endpoint_url, secret),
        )
        try:
            code = child.wait()
        except BaseException:
            child.terminate()
            child.wait()
            raise
    if code != 0:
        tail = places.sam_log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-15:]
        raise LocalStackError(f"sam {verb} failed; the end of {places.sam_log}:\n" + "\n".join(tail))


def _environment(endpoint_url: str | None, secret: str) -> dict[str, str]:
    # The user's own AWS configuration is left out, so that SAM can never reach a real account.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))}
    environment = {
        **kept,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath))),
        "SAM_CLI_TELEMETRY": "0",
        console_build.VARIABLE: console_build.APART,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_DEFAULT_REGION": REGION,
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    if endpoint_url is not None:
        environment["AWS_ENDPOINT_URL"] = endpoint_url
    return environment
