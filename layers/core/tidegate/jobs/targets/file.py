"""Reads `targets.yaml` beside the modules of job code."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tidegate.domain.errors import TidegateError
from tidegate.domain.schemas.schema import SchemaFault
from tidegate.domain.targets import HERE, Command, Target, TargetFault, read_targets
from tidegate.jobs.registry import JobType, Parameters, RegistrationError, Registry, SchemaCheck
from tidegate.jobs.targets.code import TargetCode
from tidegate.jobs.targets.support import TargetSupport

FILE_NAME = "targets.yaml"
MAX_FILE_BYTES = 1_048_576
_MAX_NAMED_FAULTS = 20


class BadTargets(TidegateError):
    """The error for a file of targets that can't be read, or for one target that can't work."""

    code = "bad-targets"


def register_targets(
    folder: Path, registry: Registry, support: TargetSupport
) -> Iterator[tuple[str, BadTargets]]:
    """Registers the targets of `folder`; does nothing where it has no targets.yaml.

    Yields a fault for each target that can't work: the target's name, empty for the whole file, and the error. At most
    20 are told one by one.
    """
    path = folder / FILE_NAME
    try:
        text = _text_of(path)
        if text is None:
            return
        targets, faults = _read(text)
    except BadTargets as error:
        yield "", error
        return
    found = [(fault.name, BadTargets(str(fault))) for fault in faults]
    for target in targets:
        try:
            registry.add(_job_type(target, folder, support))
        except (BadTargets, RegistrationError) as error:
            found.append((target.name, BadTargets(str(error))))
    yield from found[:_MAX_NAMED_FAULTS]
    if len(found) > _MAX_NAMED_FAULTS:
        yield (
            "",
            BadTargets(f"{len(found) - _MAX_NAMED_FAULTS} more targets have faults; correct these first"),
        )


def targets_of(path: Path) -> tuple[list[Target], list[TargetFault]]:
    """Reads a file of targets without registering any; returns the targets, and a fault for each that can't work.

    Schemas of parameters and files that commands name are not looked at. Raises BadTargets for a file that can't be
    read.
    """
    text = _text_of(path)
    if text is None:
        raise BadTargets("does not exist")
    return _read(text)


def _text_of(path: Path) -> str | None:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise BadTargets("is no regular file")
            read = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadTargets(f"can't be read: {error.strerror}") from error
    if len(read) > MAX_FILE_BYTES:
        raise BadTargets(f"is longer than {MAX_FILE_BYTES:,} bytes")
    try:
        return read.decode()
    except UnicodeDecodeError as error:
        raise BadTargets(f"is not UTF-8: byte {error.start} can't be read") from error


def _read(text: str) -> tuple[list[Target], list[TargetFault]]:
    from tidegate.jobs.structured_text import (
        MalformedText,
        load,
    )  # imported only where there is a file to read

    try:
        targets, faults = read_targets(load(text, FILE_NAME, whole_numbers_name=True))
    except MalformedText as error:
        raise BadTargets(str(error)) from error
    return list(targets), list(faults)


def _job_type(target: Target, folder: Path, support: TargetSupport) -> JobType:
    if isinstance(target.work, Command):
        _check_files(target.name, target.work, folder)
    return JobType(
        target.name,
        TargetCode(target, folder, support),
        Parameters,
        target.description,
        target.reads_upstreams,
        target.aws_credentials,
        target.second_attempt,
        target=target,
        check=_check_of(target, support),
        place=f"{folder.name}/{FILE_NAME}",
    )


def _check_of(target: Target, support: TargetSupport) -> SchemaCheck | None:
    if target.schema is None:
        return None
    at = f"targets.{target.name}.parameters"
    try:
        check = support.compile_schema(target.schema)
    except SchemaFault as error:
        raise BadTargets(f"{at}: {error}") from error
    if check.unchecked:
        raise BadTargets(f"{at}: {check.unchecked[0]}")
    return check


def _check_files(name: str, command: Command, folder: Path) -> None:
    """Raises BadTargets for an argument that names a file which the command would not find."""
    for index, each in enumerate(command.arguments):
        at = f"targets.{name}.command[{index}]"
        if each.startswith(HERE):
            if not (folder / each.removeprefix(HERE)).exists():
                raise BadTargets(
                    f"{at} names {each.removeprefix(HERE)!r}, which is not in the folder of {FILE_NAME}"
                )
        elif _is_beside(folder, each):
            raise BadTargets(
                f"{at} names a file beside {FILE_NAME}, and a command runs in its attempt's own folder; "
                f"write {HERE}{each}"
            )


def _is_beside(folder: Path, argument: str) -> bool:
    if argument.startswith("/"):
        return False
    with suppress(OSError):  # most arguments are no names of files, and some are too long for one
        return (folder / argument).is_file()
    return False
