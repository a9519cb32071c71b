"""The command `tidegate types register`: registers the task definitions of targets that are container images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from botocore.config import Config

from tidegate.domain.containers import Container
from tidegate.jobs.loader import JOB_PACKAGES
from tidegate.jobs.targets.file import FILE_NAME, BadTargets, targets_of
from tidegate_cli.commands.types_check import types
from tidegate_cli.errors import MalformedFile, OptionError, UsageError
from tidegate_cli.options import DryRunOption, OutputOption, session_of
from tidegate_cli.target import aws_session
from tidegate_cli.task_definitions import Registration, register
from tidegate_cli.views import printable_lines
from tidegate_devstack.places import find_project

__all__ = ["types"]
_STACK = re.compile("[A-Za-z][A-Za-z0-9-]{0,127}")
_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 5, "mode": "standard"})


@types.command("register")
def register_containers(
    context: typer.Context,
    stack: Annotated[
        str,
        typer.Option("--stack", metavar="NAME", help="The stack whose workers run them.", show_default=False),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="The file of targets.",
            show_default=f"layers/jobs/{JOB_PACKAGES[0]}/{FILE_NAME} of the project",
        ),
    ] = None,
    dry_run: DryRunOption = False,
    output: OutputOption = None,
) -> None:
    """Register container images, with your own AWS credentials.

    Each target that is one gets a task definition of ECS. A definition that is registered stays as it is, so a repeat
    changes nothing. The answer names the parameters with which the stack lets its workers run them.

    Example: tidegate types register --stack tidegate --dry-run
    """
    session = session_of(context, output)
    if not _STACK.fullmatch(stack):
        raise OptionError(
            "--stack", f"{stack!r} is not the name of a stack: letters, digits and dashes, a letter first"
        )
    works = _containers_in(file or find_project() / "layers" / "jobs" / JOB_PACKAGES[0] / FILE_NAME)
    done: list[Registration] = []
    if works:
        region = _cluster_of(works).split(":")[3]
        aws, _ = aws_session(session.aws_profile, region)
        done = register(aws.client("ecs", config=_CONFIG), works, stack, dry_run=dry_run)
    parameters = {
        "ContainerCluster": _cluster_of(works) if works else "",
        "ContainerRoles": ",".join(sorted({role for work in works for role in work.roles})),
    }
    if session.is_structured:
        session.show(
            {"dry_run": dry_run, "targets": [each.as_json() for each in done], "parameters": parameters}
        )
        return
    text = "\n".join(_said_of(each, dry_run=dry_run) for each in done) or "no target is a container image"
    if works:
        text += "\ntheir workers must be allowed to run them: " + " ".join(
            f"{name}={value}" for name, value in parameters.items()
        )
    session.out.print(printable_lines(text), markup=False, highlight=False, soft_wrap=True)


def _containers_in(path: Path) -> list[Container]:
    """Returns the container images among the targets of a file. Raises MalformedFile for a file with a fault."""
    try:
        targets, faults = targets_of(path)
    except BadTargets as error:
        raise MalformedFile(f"{path}: {error}") from error
    if faults:
        raise MalformedFile(f"{path}: {'; '.join(map(str, faults))}; nothing is registered")
    return [target.work for target in targets if isinstance(target.work, Container)]


def _cluster_of(works: list[Container]) -> str:
    clusters = sorted({work.cluster for work in works})
    if len(clusters) > 1:
        raise UsageError(
            f"the targets name {len(clusters)} clusters, {', '.join(clusters)}; the workers of a stack use one, so "
            "name it in all of them; nothing is registered"
        )
    return clusters[0]


def _said_of(each: Registration, *, dry_run: bool) -> str:
    said = (
        "is registered already" if each.was_there else "would be registered" if dry_run else "is registered"
    )
    return f"{each.work.name}: {each.family} {said}"
