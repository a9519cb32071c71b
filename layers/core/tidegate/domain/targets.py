"""Targets: job types whose code is a command or a service, as `targets.yaml` in the jobs layer names them.

A target is part of the deployment. A job gives its parameters and nothing else, so a caller can't choose which program
runs or which address is called. `read_targets` reads the file's value; docs/reference/targets.md has the format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, cast

from tidegate.domain import limits
from tidegate.domain.addresses import target_of
from tidegate.domain.containers import Container, read_container
from tidegate.domain.errors import InvalidRequest, Violation
from tidegate.domain.job import Json
from tidegate.domain.meanings import Meaning
from tidegate.domain.target_fields import OF_COMMANDS, boolean, fields_of, mapping, refuse_unknown, require

VERSION: Final = 1
MAX_TARGETS: Final = 500
MAX_ARGUMENTS: Final = 100
MAX_ARGUMENT_CHARACTERS: Final = 4_096
MAX_EXIT_CODES: Final = 50
MAX_HEADERS: Final = 20
HERE: Final = "{here}/"
"""An argument of a command that begins so names a file in the folder of `targets.yaml`."""

_KINDS: Final = ("command", "lambda", "states", "container", "http")
_OF_AWS: Final = ("lambda", "states", "container")
_OF_KIND: Final[Mapping[str, Sequence[str]]] = {"command": OF_COMMANDS, "container": ("exit_codes",)}
_OF_ALL: Final = ("description", "parameters", "timeout_seconds", "second_attempt")
_ERROR_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_LARGEST_EXIT_CODE: Final = 255  # the kernel keeps eight bits of a status
_LEAST_STATUS: Final = 300
_LARGEST_STATUS: Final = 599
_HEADER: Final = re.compile("[a-z0-9-]{1,64}")
_VARIABLE: Final = re.compile("[A-Za-z_][A-Za-z0-9_]{0,127}")
_OWN_HEADERS: Final = frozenset(
    {"connection", "content-length", "content-type", "host", "idempotency-key", "transfer-encoding"}
)
_FUNCTION_ARN: Final = re.compile(
    r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]{1,64}(:[A-Za-z0-9_-]{1,128})?"
)
_MACHINE_ARN: Final = re.compile(
    r"arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:stateMachine:[A-Za-z0-9_-]{1,80}(:[A-Za-z0-9_-]{1,80})?"
)


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, which runs without a shell.

    `result_file` is the file of the attempt's folder that holds the result; None takes the last line of standard
    output if that is JSON. An exit code that `exit_codes` lacks is `exit-code-N`, and another attempt could help.
    """

    arguments: tuple[str, ...]
    result_file: str | None = None
    exit_codes: Mapping[int, Meaning] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LambdaFunction:
    """A Lambda function, called once for each attempt, by its ARN."""

    function: str


@dataclass(frozen=True, slots=True)
class StateMachine:
    """A Step Functions state machine, of which each attempt starts one execution, by its ARN."""

    machine: str


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A call over https: each attempt posts its parameters to `url` once.

    `headers` are sent as they are. `secret_headers` name the variable of job code that holds the header's value. A
    status of 200 to 299 succeeds; `statuses` gives a meaning to others.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[int, Meaning] = field(default_factory=dict)


Work = Command | LambdaFunction | StateMachine | Container | HttpCall


@dataclass(frozen=True, slots=True)
class Target:
    """A job type whose code is `work`.

    `schema` is the JSON Schema of its parameters, None where any object will do. `timeout_seconds` bounds an attempt
    beside the job's own timeout. The other options are those of `@job`.
    """

    name: str
    work: Work
    description: str = ""
    schema: Mapping[str, Json] | None = None
    timeout_seconds: int | None = None
    reads_upstreams: bool = False
    aws_credentials: bool = False
    second_attempt: bool = False

    @property
    def arns(self) -> tuple[str, ...]:
        """The ARNs that the worker must be allowed to call: none where the target calls nothing of AWS.

        Lambda allows a call by the ARN that it names, with its version or alias. Step Functions allows the start of a
        version or an alias by the ARN of the machine itself. Sources: "Fine-tuning the Resources and Conditions
        sections of policies" in Lambda's guide, "Authorization for versions and aliases" in that of Step Functions.
        """
        match self.work:
            case LambdaFunction(function):
                return (function,)
            case StateMachine(machine):
                return machine_arn(machine), execution_arn(machine, "*")
        return ()


def machine_arn(machine: str) -> str:
    """Returns the ARN of a state machine without a version or an alias."""
    return ":".join(machine.split(":")[:7])


def execution_arn(machine: str, name: str) -> str:
    """Returns the ARN of an execution of a state machine, which names no version and no alias of the machine."""
    return f"{machine_arn(machine).replace(':stateMachine:', ':execution:')}:{name}"


@dataclass(frozen=True, slots=True)
class TargetFault:
    """The faults of one target, or of the whole file where `name` is empty."""

    name: str
    violations: tuple[Violation, ...]

    def __str__(self) -> str:
        return "; ".join(
            f"{each.field} {each.message}" if each.field else each.message for each in self.violations
        )


def read_targets(value: object) -> tuple[Sequence[Target], Sequence[TargetFault]]:
    """Reads the value of a file of targets.

    Returns the targets, and a fault for each one that can't work. A faulty target does not take the others with it.
    """
    try:
        document = fields_of(value, "", ("version", "targets"))
        version = document.get("version")
        require(
            version == VERSION and version is not True,
            "version",
            f"must be {VERSION}, the version of the format",
        )
        named = mapping(document.get("targets", {}), "targets")
        require(
            len(named) <= MAX_TARGETS, "targets", f"are {len(named):,}; at most {MAX_TARGETS} fit in one file"
        )
    except InvalidRequest as error:
        return (), (TargetFault("", error.violations),)
    targets: list[Target] = []
    faults: list[TargetFault] = []
    for name, given in named.items():
        try:
            targets.append(_target(name, given))
        except InvalidRequest as error:
            faults.append(TargetFault(name, error.violations))
    return targets, faults


def _target(name: str, value: object) -> Target:
    at = f"targets.{name}"
    given = mapping(value, at)
    kinds = [kind for kind in _KINDS if kind in given]
    require(len(kinds) == 1, at, f"needs exactly one of {', '.join(_KINDS)}")
    kind = kinds[0]
    known = (kind, *_OF_ALL, *_OF_KIND.get(kind, ()))
    refuse_unknown(given, known, at)
    own_bool = {key: boolean(given, key, at) for key in ("reads_upstreams", "second_attempt")}
    return Target(
        name,
        _WORKS[kind](given, at),
        description=_description(given, at),
        schema=_schema(given, at),
        timeout_seconds=_timeout(given, at),
        aws_credentials=kind in _OF_AWS or boolean(given, "aws_credentials", at),
        **own_bool,
    )


def _command(given: Mapping[str, object], at: str) -> Command:
    return Command(
        _arguments(given["command"], f"{at}.command"), _result_file(given, at), _exit_codes(given, at)
    )


def _arguments(value: object, at: str) -> tuple[str, ...]:
    require(
        isinstance(value, list) and 1 <= len(value) <= MAX_ARGUMENTS,
        at,
        f"must be a list of 1 to {MAX_ARGUMENTS} texts, the program first; for a shell write [sh, -c, …]",
    )
    arguments = cast("list[object]", value)
    for index, each in enumerate(arguments):
        place = f"{at}[{index}]"
        require(
            isinstance(each, str),
            place,
            "must be text; put a number or a word like `true` in quotation marks",
        )
        text = str(each)
        require(
            len(text) <= MAX_ARGUMENT_CHARACTERS,
            place,
            f"is longer than {MAX_ARGUMENT_CHARACTERS:,} characters",
        )
        require("\0" not in text, place, "holds the character NUL, which no argument can hold")
        if text.startswith(HERE):
            require(
                _is_inside(text.removeprefix(HERE)),
                place,
                "must name a file below the folder of targets.yaml",
            )
    program = str(arguments[0])
    require(bool(program.strip()), f"{at}[0]", "must name a program")
    require(
        program.startswith((HERE, "/")) or "/" not in program,
        f"{at}[0]",
        f"is a relative path, and a command runs in its attempt's own folder; write {HERE}{program}",
    )
    return tuple(map(str, arguments))


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts


def _result_file(given: Mapping[str, object], at: str) -> str | None:
    value, place = given.get("result", "last-line"), f"{at}.result"
    if value == "last-line":
        return None
    require(isinstance(value, dict), place, "must be last-line, or {file: NAME}")
    name = fields_of(value, place, ("file",)).get("file")
    require(
        isinstance(name, str)
        and _is_inside(name)
        and "\0" not in name
        and len(name) <= limits.MAX_NAME_CHARACTERS,
        f"{place}.file",
        f"must name a file below the attempt's folder, in at most {limits.MAX_NAME_CHARACTERS} characters",
    )
    return str(name)


def _exit_codes(given: Mapping[str, object], at: str) -> Mapping[int, Meaning]:
    rule = f"must be an exit code from 1 to {_LARGEST_EXIT_CODE}; the code 0 always succeeds"
    return _meanings(given, at, "exit_codes", (1, _LARGEST_EXIT_CODE), rule, "exit-code")


def _meanings(
    given: Mapping[str, object], at: str, key: str, bounds: tuple[int, int], rule: str, word: str
) -> Mapping[int, Meaning]:
    """Reads what numbers mean, as `{75: {retry: true, code: temporary}}`. A number without a code is `word-75`."""
    place = f"{at}.{key}"
    codes = mapping(given.get(key, {}), place)
    require(len(codes) <= MAX_EXIT_CODES, place, f"are {len(codes)}; at most {MAX_EXIT_CODES} can be mapped")
    meanings: dict[int, Meaning] = {}
    for text, value in codes.items():
        own = f"{place}.{text}"
        number = int(text) if re.fullmatch("[0-9]{1,3}", text) else 0
        require(bounds[0] <= number <= bounds[1], own, rule)
        require(number not in meanings, own, "is mapped twice")
        meanings[number] = _meaning(f"{word}-{number}", value, own)
    return meanings


def _meaning(own_code: str, value: object, at: str) -> Meaning:
    meaning = fields_of(value, at, ("retry", "code"))
    code = meaning.get("code", own_code)
    require(
        isinstance(code, str)
        and bool(_ERROR_CODE.fullmatch(code))
        and len(code) <= limits.MAX_ERROR_CODE_CHARACTERS,
        f"{at}.code",
        f"must be a word of letters, digits, dots, dashes and underscores, at most {limits.MAX_ERROR_CODE_CHARACTERS} "
        "characters",
    )
    return Meaning(str(code), boolean(meaning, "retry", at, otherwise=True))


def _lambda(given: Mapping[str, object], at: str) -> LambdaFunction:
    return LambdaFunction(
        _arn(
            given["lambda"],
            f"{at}.lambda",
            "function",
            _FUNCTION_ARN,
            "arn:aws:lambda:REGION:ACCOUNT:function:NAME, which may end with :VERSION or :ALIAS but not with :$LATEST",
        )
    )


def _states(given: Mapping[str, object], at: str) -> StateMachine:
    return StateMachine(
        _arn(
            given["states"],
            f"{at}.states",
            "machine",
            _MACHINE_ARN,
            "arn:aws:states:REGION:ACCOUNT:stateMachine:NAME",
        )
    )


def _container(given: Mapping[str, object], at: str) -> Container:
    name = at.removeprefix("targets.")
    return read_container(name, given["container"], f"{at}.container", _exit_codes(given, at))


def _http(given: Mapping[str, object], at: str) -> HttpCall:
    place = f"{at}.http"
    call = fields_of(given["http"], place, ("method", "url", "headers", "statuses"))
    require(
        call.get("method", "POST") == "POST", f"{place}.method", "must be POST, which carries the parameters"
    )
    url = call.get("url")
    require(isinstance(url, str), f"{place}.url", "must be a URL such as https://example.com/render")
    try:
        target_of(str(url))
    except ValueError as error:
        raise InvalidRequest.of(f"{place}.url", str(error)) from error
    rule = f"must be a status from {_LEAST_STATUS} to {_LARGEST_STATUS}; 200 to 299 always succeed"
    statuses = _meanings(call, place, "statuses", (_LEAST_STATUS, _LARGEST_STATUS), rule, "http")
    return HttpCall(str(url), *_headers(call, place), statuses)


def _headers(call: Mapping[str, object], at: str) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Returns the headers that have their values here, and the variables of those that have not, each by name."""
    place = f"{at}.headers"
    given = mapping(call.get("headers", {}), place)
    require(len(given) <= MAX_HEADERS, place, f"are {len(given)}; at most {MAX_HEADERS} can be sent")
    plain: dict[str, str] = {}
    secret: dict[str, str] = {}
    for name, value in given.items():
        own = f"{place}.{name}"
        require(
            bool(_HEADER.fullmatch(name)) and not name.startswith("tidegate-") and name not in _OWN_HEADERS,
            own,
            "must be a header's name in lower case that tidegate does not set itself "
            f"({', '.join(sorted(_OWN_HEADERS))}, tidegate-…)",
        )
        if isinstance(value, str):
            require(
                len(value) <= MAX_ARGUMENT_CHARACTERS and value.isascii() and value.isprintable(),
                own,
                "must be printable ASCII",
            )
            plain[name] = value
        else:
            variable = fields_of(value, own, ("variable",)).get("variable")
            require(
                isinstance(variable, str) and bool(_VARIABLE.fullmatch(variable)),
                f"{own}.variable",
                "must name a variable of the worker's environment, which TIDEGATE_JOB_ENVIRONMENT names too",
            )
            secret[name] = str(variable)
    return plain, secret


def _arn(value: object, at: str, name: str, pattern: re.Pattern[str], example: str) -> str:
    arn = fields_of(value, at, (name,)).get(name)
    require(
        isinstance(arn, str) and bool(pattern.fullmatch(arn)),
        f"{at}.{name}",
        f"must be an ARN like {example}",
    )
    return str(arn)


_WORKS: Final[Mapping[str, Callable[[Mapping[str, object], str], Work]]] = {
    "command": _command,
    "lambda": _lambda,
    "states": _states,
    "container": _container,
    "http": _http,
}


def _description(given: Mapping[str, object], at: str) -> str:
    value = given.get("description", "")
    require(
        isinstance(value, str) and len(value) <= limits.MAX_DESCRIPTION_CHARACTERS,
        f"{at}.description",
        f"must be text of at most {limits.MAX_DESCRIPTION_CHARACTERS} characters",
    )
    return str(value)


def _schema(given: Mapping[str, object], at: str) -> Mapping[str, Json] | None:
    if "parameters" not in given:
        return None
    place = f"{at}.parameters"
    schema = mapping(given["parameters"], place)
    require(
        schema.get("type", "object") == "object",
        f"{place}.type",
        "must be object, because parameters are one",
    )
    return cast("Mapping[str, Json]", schema)


def _timeout(given: Mapping[str, object], at: str) -> int | None:
    value = given.get("timeout_seconds")
    if value is None:
        return None
    require(
        isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= limits.MAX_TIMEOUT_SECONDS,
        f"{at}.timeout_seconds",
        f"must be whole seconds from 1 to {limits.MAX_TIMEOUT_SECONDS:,}",
    )
    return cast("int", value)
