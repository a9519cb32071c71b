"""Targets that are a container image: each attempt runs one task of ECS on Fargate.

A worker can't choose an image when it starts a task, because RunTask takes a task definition. `tidegate types register`
registers one for each target, in a family whose name holds a digest of the target. So a worker runs the very image that
its own `targets.yaml` names, and needs no right to register anything.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from tidegate.domain.meanings import Meaning
from tidegate.domain.target_fields import boolean, fields_of, require

MAX_IMAGE_CHARACTERS: Final = 512
MAX_WORDS: Final = 100
MAX_WORD_CHARACTERS: Final = 4_096
MAX_SUBNETS: Final = 16  # RunTask, awsvpcConfiguration
MAX_SECURITY_GROUPS: Final = 5  # the same

_GIB: Final = 1_024
FARGATE_MEMORY_MIB: Final[Mapping[int, Sequence[int]]] = {
    256: (512, 1 * _GIB, 2 * _GIB),
    512: range(1 * _GIB, 4 * _GIB + 1, _GIB),
    1_024: range(2 * _GIB, 8 * _GIB + 1, _GIB),
    2_048: range(4 * _GIB, 16 * _GIB + 1, _GIB),
    4_096: range(8 * _GIB, 30 * _GIB + 1, _GIB),
    8_192: range(16 * _GIB, 60 * _GIB + 1, 4 * _GIB),
    16_384: range(32 * _GIB, 120 * _GIB + 1, 8 * _GIB),
}
"""The memory in MiB that Fargate gives with so many units of processor (AWS: Fargate task size)."""

_FIELDS: Final = (
    "image",
    "cpu",
    "memory_mib",
    "cluster",
    "subnets",
    "execution_role",
    "role",
    "security_groups",
    "public_address",
    "command",
)
_IMAGE: Final = re.compile(r"[a-z0-9][A-Za-z0-9._/:@-]*")
_CLUSTER_ARN: Final = re.compile(r"arn:[a-z-]+:ecs:[a-z0-9-]+:\d{12}:cluster/[A-Za-z0-9_-]{1,255}")
_ROLE_ARN: Final = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}")
_SUBNET: Final = re.compile("subnet-[0-9a-f]+")
_SECURITY_GROUP: Final = re.compile("sg-[0-9a-f]+")
_NOT_IN_A_FAMILY: Final = re.compile("[^A-Za-z0-9_-]")
_FORM: Final = 1  # of the task definitions; another form needs other families
_DIGEST_CHARACTERS: Final = 16


@dataclass(frozen=True, slots=True)
class Container:
    """A container image that each attempt runs as one task, for the type `name`.

    `cpu` is in units of which 1,024 are one processor. `role` is the role of the program itself, None for none;
    `execution_role` fetches the image and writes the log. `command` replaces the command of the image, None keeps it.
    An exit code that `exit_codes` lacks is `exit-code-N`, and another attempt could help.
    """

    name: str
    image: str
    cpu: int
    memory_mib: int
    cluster: str
    subnets: tuple[str, ...]
    execution_role: str
    role: str | None = None
    security_groups: tuple[str, ...] = ()
    public_address: bool = False
    command: tuple[str, ...] | None = None
    exit_codes: Mapping[int, Meaning] = field(default_factory=dict)

    @property
    def roles(self) -> tuple[str, ...]:
        """The ARNs of the roles that the worker passes on to ECS."""
        return (self.execution_role, self.role) if self.role else (self.execution_role,)

    def family(self, stack: str) -> str:
        """Returns the family of the target's task definition in a deployment, at most 255 characters.

        It holds a digest of all that the definition says. The network and the cluster are no part of that.
        """
        said = [_FORM, self.image, self.cpu, self.memory_mib, self.role, self.execution_role, self.command]
        digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:_DIGEST_CHARACTERS]
        return f"{stack}-target-{_NOT_IN_A_FAMILY.sub('_', self.name)}-{digest}"


def read_container(name: str, value: object, at: str, exit_codes: Mapping[int, Meaning]) -> Container:
    """Reads the field `container` of the target `name`. Raises InvalidRequest with the faulty field and the fix."""
    given = fields_of(value, at, _FIELDS)
    cpu = _cpu(given, at)
    return Container(
        name,
        _text(
            given.get("image"),
            f"{at}.image",
            _IMAGE,
            "an image such as REGISTRY/NAME:TAG",
            MAX_IMAGE_CHARACTERS,
        ),
        cpu,
        _memory_mib(given, at, cpu),
        _text(
            given.get("cluster"),
            f"{at}.cluster",
            _CLUSTER_ARN,
            "an ARN like arn:aws:ecs:REGION:ACCOUNT:cluster/NAME",
        ),
        _list(given, at, "subnets", _SUBNET, "subnet-0a1b2c3d", (1, MAX_SUBNETS)),
        _role(given.get("execution_role"), f"{at}.execution_role"),
        role=None if given.get("role") is None else _role(given["role"], f"{at}.role"),
        security_groups=_list(
            given, at, "security_groups", _SECURITY_GROUP, "sg-0a1b2c3d", (0, MAX_SECURITY_GROUPS)
        ),
        public_address=boolean(given, "public_address", at),
        command=_command(given, at),
        exit_codes=exit_codes,
    )


def _cpu(given: Mapping[str, object], at: str) -> int:
    value = given.get("cpu")
    sizes = ", ".join(map(str, FARGATE_MEMORY_MIB))
    require(
        _is_whole(value) and value in FARGATE_MEMORY_MIB,
        f"{at}.cpu",
        f"must be units of processor that Fargate has: {sizes}; 1024 are one processor",
    )
    return cast("int", value)


def _memory_mib(given: Mapping[str, object], at: str, cpu: int) -> int:
    value, possible = given.get("memory_mib"), FARGATE_MEMORY_MIB[cpu]
    steps = (
        f"from {possible.start} to {possible[-1]} in steps of {possible.step}"
        if isinstance(possible, range)
        else ", ".join(map(str, possible))
    )
    require(
        _is_whole(value) and value in possible,
        f"{at}.memory_mib",
        f"must be MiB that Fargate has with cpu {cpu}: {steps}",
    )
    return cast("int", value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _command(given: Mapping[str, object], at: str) -> tuple[str, ...] | None:
    if given.get("command") is None:
        return None
    place, value = f"{at}.command", given["command"]
    require(
        isinstance(value, list) and 1 <= len(value) <= MAX_WORDS,
        place,
        f"must be a list of 1 to {MAX_WORDS} texts, which replace the command of the image",
    )
    words = cast("list[object]", value)
    for index, word in enumerate(words):
        require(
            isinstance(word, str) and len(word) <= MAX_WORD_CHARACTERS and "\0" not in word,
            f"{place}[{index}]",
            f"must be text of at most {MAX_WORD_CHARACTERS:,} characters; put a number in quotation marks",
        )
    return tuple(map(str, words))


def _role(value: object, at: str) -> str:
    return _text(value, at, _ROLE_ARN, "an ARN like arn:aws:iam::ACCOUNT:role/NAME")


def _text(value: object, at: str, pattern: re.Pattern[str], rule: str, most: int = 2_048) -> str:
    require(
        isinstance(value, str) and len(value) <= most and bool(pattern.fullmatch(value)),
        at,
        f"must be {rule}",
    )
    return str(value)


def _list(
    given: Mapping[str, object],
    at: str,
    key: str,
    pattern: re.Pattern[str],
    example: str,
    bounds: tuple[int, int],
) -> tuple[str, ...]:
    place, value = f"{at}.{key}", given.get(key, [])
    require(
        isinstance(value, list) and bounds[0] <= len(value) <= bounds[1],
        place,
        f"must be a list of {bounds[0]} to {bounds[1]} ids such as {example}",
    )
    ids = cast("list[object]", value)
    for index, each in enumerate(ids):
        _text(each, f"{place}[{index}]", pattern, f"an id such as {example}")
    return tuple(map(str, ids))
