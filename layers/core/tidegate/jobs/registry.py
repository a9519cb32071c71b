"""The job types of a deployment: `@job` registers them, validation looks them up, and workers run them."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from tidegate.domain import limits
from tidegate.domain.errors import TidegateError
from tidegate.domain.job import Json
from tidegate.domain.suggestions import did_you_mean
from tidegate.domain.targets import Target
from tidegate.domain.texts import plain_message
from tidegate.domain.type_facts import TypeFacts
from tidegate.jobs.context import JobContext

ParametersT = TypeVar("ParametersT", bound=BaseModel)
ReturnT = TypeVar("ReturnT")

_TYPE_NAME = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*")
_SIGNATURE = "(parameters: SomePydanticModel, context: JobContext)"


class RegistrationError(TidegateError):
    """The error for job code that is registered in a way that can't work; raised while its module is imported."""

    code = "bad-registration"


class InvalidParameters(TidegateError):
    """The error for parameters that break the JSON Schema of a target. `problems` are pairs of a path and a message."""

    code = "invalid-parameters"

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {message}" for path, message in problems))


class Parameters(BaseModel):
    """The base class for the parameters of a job type: immutable, and an unknown parameter is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class SchemaCheck(Protocol):
    """A JSON Schema that was read. `unchecked` names each keyword that the check ignores, with the reason."""

    @property
    def unchecked(self) -> Sequence[str]:
        """Returns the keywords that the check ignores."""

    def violations(self, value: Json) -> Sequence[tuple[str, str]]:
        """Returns the faults of a value: pairs of a path inside it and a message."""


@dataclass(frozen=True, slots=True)
class JobType:
    """A registered job type: its name, its code, the model of its parameters, and its options.

    `target` is set for a type of targets.yaml. The `place` of its code is that file, and `check` checks its parameters,
    which have no model; None takes any object.
    """

    name: str
    function: Callable[[Any, JobContext], object]
    parameters: type[BaseModel]
    description: str = ""
    reads_upstreams: bool = False
    aws_credentials: bool = False
    second_attempt: bool = False
    target: Target | None = None
    check: SchemaCheck | None = None
    place: str = ""

    @property
    def origin(self) -> str:
        """The place of the code: `module.function`, or the file of targets."""
        return self.place or f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def needs_process(self) -> bool:
        """True if the type runs in worker processes only, as targets do."""
        return self.target is not None

    def parse(self, parameters: Mapping[str, Json]) -> BaseModel | Mapping[str, Json]:
        """Returns the parameters as an instance of their model, and those of a target unchanged.

        Raises pydantic's ValidationError, or InvalidParameters for a target.
        """
        if self.target is not None:
            problems = self.check.violations(parameters) if self.check is not None else ()
            if problems:
                raise InvalidParameters(problems)
            return parameters
        # Validated as JSON text, so that strict models accept JSON's forms of dates, sets and bytes.
        return self.parameters.model_validate_json(json.dumps(parameters, default=_plain))


@dataclass(frozen=True, slots=True)
class TypeDescription:
    """The description of a job type, for people who submit jobs of it.

    `parameters_schema` is the JSON Schema of its parameters; None where their model has none that is JSON, or a longer
    one than `MAX_SCHEMA_BYTES`.
    """

    description: str
    parameters_schema: Mapping[str, Any] | None


class OtherTypes(Protocol):
    """Types whose code is elsewhere; a registry asks them about a type that it lacks.

    The methods are those of the JobRegistry port.
    """

    @property
    def homes(self) -> Mapping[str, str]:
        """Returns the pool of each type."""

    def types(self) -> Sequence[str]:
        """Returns every type, sorted."""

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """Returns the faults of parameters."""

    def reads_upstreams(self, job_type: str) -> bool:
        """Tells whether code of the type asks for its upstreams' results."""

    def may_run_twice(self, job_type: str) -> bool | None:
        """Tells whether the type may get a second attempt, None for an unknown type."""

    def facts(self, job_type: str) -> TypeFacts | None:
        """Returns the facts that decide how jobs of the type are submitted, None for an unknown type."""


class Registry:
    """The job types by name; implements the JobRegistry port."""

    def __init__(self) -> None:
        self._types: dict[str, JobType] = {}
        self._faults: dict[str, str] = {}
        self._others: OtherTypes | None = None
        self.homes: Mapping[str, str] = {}

    def beside(self, others: OtherTypes) -> Registry:
        """Returns a registry of the same types that asks `others` about every type that it lacks."""
        both = Registry()
        both._types, both._faults = self._types, self._faults
        both._others, both.homes = others, others.homes
        return both

    def add(self, job_type: JobType) -> None:
        """Registers a type; raises RegistrationError if other code has registered the name."""
        present = self._types.get(job_type.name)
        if job_type.target is not None:
            _require_name(job_type.name, job_type.place)
        if present is not None and present.origin != job_type.origin:
            raise RegistrationError(
                f"job type {job_type.name!r} is registered twice, by {present.origin} and by "
                f"{job_type.origin}; give one of them another name"
            )
        self._types[job_type.name] = job_type

    def forget_failed(self, *, known_before: Set[str]) -> None:
        """Removes the types, except `known_before`, whose module failed after it had registered them.

        A type stays if its own module was loaded, even if the module that imported it failed.
        """
        self._types = {
            name: found
            for name, found in self._types.items()
            if name in known_before or _is_loaded(found.function.__module__)
        }

    def note_fault(self, module: str, said: str) -> None:
        """Stores the reason (`said`) why a module could not be loaded."""
        self._faults[module] = said

    def note_loaded(self, module: str) -> None:
        """Stores that a module could be loaded, even if it had failed before."""
        self._faults.pop(module, None)

    def faults(self) -> Sequence[str]:
        """Returns a sentence for each module of job code that could not be loaded.

        The types of these modules are unknown.
        """
        return tuple(self._faults.values())

    def find(self, name: str) -> JobType | None:
        """Returns the type, or None if it is not registered."""
        return self._types.get(name)

    def described(self, name: str) -> TypeDescription | None:
        """Returns the description of a type, or None if it is not registered."""
        found = self._types.get(name)
        if found is None:
            return None
        return TypeDescription(
            plain_message(found.description)[: limits.MAX_DESCRIPTION_CHARACTERS], _schema_of(found)
        )

    def types(self) -> Sequence[str]:
        """Returns every registered type, sorted."""
        return sorted(self._types if self._others is None else {*self._types, *self._others.types()})

    def reads_upstreams(self, job_type: str) -> bool:
        """Returns True if code of this type asks for the results of its upstreams; False for an unknown type."""
        found = self._types.get(job_type)
        if found is None:
            return self._others is not None and self._others.reads_upstreams(job_type)
        return found.reads_upstreams

    def may_run_twice(self, job_type: str) -> bool | None:
        """Returns True if a straggling job of this type may get a second attempt; None for an unknown type."""
        found = self._types.get(job_type)
        if found is None:
            return None if self._others is None else self._others.may_run_twice(job_type)
        return found.second_attempt

    def facts(self, job_type: str) -> TypeFacts | None:
        """Returns the facts that decide how jobs of this type are submitted; None for an unknown type."""
        found = self._types.get(job_type)
        if found is None:
            return None if self._others is None else self._others.facts(job_type)
        return TypeFacts(found.second_attempt, found.target is not None)

    def asked(self) -> dict[str, dict[str, bool]]:
        """Returns the options of each registered type, by name."""
        return {
            name: {
                "reads_upstreams": self._types[name].reads_upstreams,
                "aws_credentials": self._types[name].aws_credentials,
                "second_attempt": self._types[name].second_attempt,
                "needs_process": self._types[name].needs_process,
            }
            for name in self.types()
        }

    def descriptions(self, built_in: str) -> dict[str, dict[str, Any]]:
        """Returns the description of each registered type by name, without the types of the module `built_in`.

        Once the schemas have `limits.MAX_DESCRIBED_BYTES` together, further ones are None.
        """
        found: dict[str, dict[str, Any]] = {}
        left_bytes = limits.MAX_DESCRIBED_BYTES
        for name in self.types():
            if self._types[name].function.__module__ == built_in:
                continue
            schema = _schema_of(self._types[name])
            left_bytes -= len(json.dumps(schema))
            text = plain_message(self._types[name].description)[: limits.MAX_DESCRIPTION_CHARACTERS]
            found[name] = {"description": text, "parameters_schema": schema if left_bytes >= 0 else None}
        return found

    def violations(self, job_type: str, parameters: Mapping[str, Json]) -> Sequence[tuple[str, str]]:
        """Checks parameters for a registered type.

        Returns pairs of a path inside them and a message, none if they are valid.
        """
        found = self._types.get(job_type)
        if found is None and self._others is not None:
            return self._others.violations(job_type, parameters)
        if found is None:
            return [("", f"unknown job type {job_type!r}; types are {', '.join(self.types())}")]
        try:
            found.parse(parameters)
        except ValidationError as error:
            return describe(error, found.parameters.model_fields)
        except InvalidParameters as error:
            return error.problems
        return []

    def job(
        self,
        name: str,
        *,
        description: str = "",
        reads_upstreams: bool = False,
        aws_credentials: bool = False,
        second_attempt: bool = False,
    ) -> Callable[
        [Callable[[ParametersT, JobContext], ReturnT]], Callable[[ParametersT, JobContext], ReturnT]
    ]:
        """Registers the decorated function as the code of job type `name`, a lower-case name like `text.count`.

        The function, plain or `async def`, takes `(parameters: SomePydanticModel, context: JobContext)`. It returns a
        JSON value, a pydantic model, or None. `description` defaults to the first line of its docstring.

        With `reads_upstreams`, the states and results of its upstreams are loaded for it, at one read each. With
        `aws_credentials`, it gets the AWS credentials of the worker process that runs it; without them an SDK in job
        code finds none there. In the worker function, every type has the function's credentials
        (docs/explanation/isolation.md).

        With `second_attempt`, a job of the type that runs longer than 99 % of its type did may run a second time beside
        the first run (docs/guides/see-what-is-slow.md). Only for code that two workers may run at once for one job.

        Raises RegistrationError for a malformed name, a wrong signature, or a name that is taken.
        """
        if not isinstance(name, str):  # `@job` without a name would silently register nothing
            raise RegistrationError(
                f"@job on {getattr(name, '__qualname__', name)} names no job type; write @job('text.count')"
            )

        def register(
            function: Callable[[ParametersT, JobContext], ReturnT],
        ) -> Callable[[ParametersT, JobContext], ReturnT]:
            _require_name(name, function)
            model = _parameters_model(name, function)
            summary = description or (inspect.getdoc(function) or "").partition("\n")[0]
            options = (reads_upstreams, aws_credentials, second_attempt)
            self.add(JobType(name, function, model, summary, *options))
            return function

        return register


REGISTRY = Registry()
job = REGISTRY.job


def describe(error: ValidationError, known: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Returns a validation error as pairs of a path (`rows[0].name`, empty for the whole) and a message.

    `known` are the existing parameters, from which a similar name is suggested for an unknown one.
    """
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return [(_path(detail["loc"]), _message(detail, known)) for detail in details]


def _message(detail: ErrorDetails, known: Iterable[str]) -> str:
    if detail["type"] == "missing":
        return "is required"
    if detail["type"] == "extra_forbidden":
        hint = did_you_mean(str(detail["loc"][-1]), known) if len(detail["loc"]) == 1 else ""
        return f"is not a parameter of this job type; leave it out or correct its name{hint}"
    return detail["msg"]


def _path(location: Sequence[str | int]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _schema_of(job_type: JobType) -> Mapping[str, Any] | None:
    if job_type.target is not None:
        return job_type.target.schema
    try:
        schema = job_type.parameters.model_json_schema()
        # A default may be infinite, or half a character: then no JSON can hold the schema, and this raises an error.
        size_bytes = len(json.dumps(schema, ensure_ascii=False, allow_nan=False).encode())
    except Exception:  # noqa: BLE001 - a model of job code may raise anything
        return None
    return schema if size_bytes <= limits.MAX_SCHEMA_BYTES else None


def _is_loaded(module: str) -> bool:
    """Returns True if a module and each package around it are loaded; Python removes only the one that failed."""
    names = module.split(".")
    return all(".".join(names[:count]) in sys.modules for count in range(1, len(names) + 1))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"parameters hold a {type(value).__name__}, which is no JSON value")


def _name_of(function: object) -> object:
    return getattr(function, "__qualname__", function)


def _require_name(name: str, function: object) -> None:
    if not _TYPE_NAME.fullmatch(name) or len(name) > limits.MAX_TYPE_CHARACTERS:
        raise RegistrationError(
            f"{name!r} (on {_name_of(function)}) can't be the name of a job type; use lower-case words "
            f"joined by dots, like 'text.count', at most {limits.MAX_TYPE_CHARACTERS} characters"
        )


def _parameters_model(name: str, function: Callable[..., object]) -> type[BaseModel]:
    where = f"{function.__module__}.{_name_of(function)} (job type {name!r})"
    if not inspect.isroutine(function):
        raise RegistrationError(f"{where} is no function; call it from one that takes {_SIGNATURE}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise RegistrationError(
            f"{where} is a generator, because it has a `yield`, and would not run; "
            "return the result, as a list if there are many"
        )
    taken = list(inspect.signature(function).parameters.values())
    if len(taken) != 2 or any(one.kind is not one.POSITIONAL_OR_KEYWORD for one in taken):
        raise RegistrationError(f"{where} must take exactly {_SIGNATURE}")
    try:
        hints = get_type_hints(function)
    except NameError as error:
        raise RegistrationError(
            f"{where}: {error}; define the parameters model at the top of the module, above the function"
        ) from error
    model, context = hints.get(taken[0].name), hints.get(taken[1].name)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise RegistrationError(
            f"{where}: annotate {taken[0].name!r} with a pydantic model; the signature is {_SIGNATURE}"
        )
    if context is not JobContext:
        raise RegistrationError(
            f"{where}: annotate {taken[1].name!r} with JobContext; the signature is {_SIGNATURE}"
        )
    return model
