"""Files of targets are read completely, and each fault names its field and the fix."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.domain.meanings import Meaning
from tidegate.domain.targets import (
    MAX_ARGUMENTS,
    MAX_EXIT_CODES,
    MAX_TARGETS,
    Command,
    HttpCall,
    LambdaFunction,
    StateMachine,
    Target,
    read_targets,
)

FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:render"
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:build"


def _file(**target: object) -> dict[str, object]:
    return {"version": 1, "targets": {"a.b": target}}


def _only(**target: object) -> Target:
    (found,), faults = read_targets(_file(**target))
    assert not faults
    return found


def test_a_command_is_read_with_all_its_settings() -> None:
    found = _only(
        command=["python3", "{here}/programs/render.py", "--fast"],
        description="Renders a report.",
        parameters={"type": "object"},
        result={"file": "out/result.json"},
        exit_codes={"75": {"retry": True, "code": "temporary"}, "2": {"retry": False}, "3": {}},
        timeout_seconds=600,
        reads_upstreams=True,
        aws_credentials=True,
        second_attempt=True,
    )
    codes = {
        75: Meaning("temporary", retryable=True),
        2: Meaning("exit-code-2", retryable=False),
        3: Meaning("exit-code-3", retryable=True),
    }
    work = Command(("python3", "{here}/programs/render.py", "--fast"), "out/result.json", codes)
    assert found == Target(
        "a.b",
        work,
        description="Renders a report.",
        schema={"type": "object"},
        timeout_seconds=600,
        reads_upstreams=True,
        aws_credentials=True,
        second_attempt=True,
    )


def test_services_are_read_and_get_the_worker_s_credentials_where_they_need_them() -> None:
    assert _only(**{"lambda": {"function": FUNCTION}}) == Target(
        "a.b", LambdaFunction(FUNCTION), aws_credentials=True
    )
    assert _only(states={"machine": MACHINE}) == Target("a.b", StateMachine(MACHINE), aws_credentials=True)
    http = {
        "url": "https://example.com/render",
        "headers": {"x-team": "reports", "authorization": {"variable": "TOKEN"}},
        "statuses": {"409": {"code": "taken"}},
    }
    call = HttpCall(
        "https://example.com/render",
        {"x-team": "reports"},
        {"authorization": "TOKEN"},
        {409: Meaning("taken", retryable=True)},
    )
    assert _only(http=http) == Target("a.b", call)


def test_services_of_aws_have_arns_for_the_allow_list() -> None:
    executions = "arn:aws:states:eu-west-1:123456789012:execution:build:*"
    assert _only(command=["true"]).arns == ()
    assert _only(http={"url": "https://example.com"}).arns == ()
    assert _only(**{"lambda": {"function": FUNCTION}}).arns == (FUNCTION,)
    assert _only(states={"machine": MACHINE}).arns == (MACHINE, executions)
    # AWS asks for the machine's own ARN, also where an alias is started, and for the alias of a function.
    assert _only(states={"machine": f"{MACHINE}:live"}).arns == (MACHINE, executions)
    assert _only(**{"lambda": {"function": f"{FUNCTION}:live"}}).arns == (f"{FUNCTION}:live",)


@pytest.mark.parametrize(
    ("target", "field", "message"),
    [
        ({}, "targets.a.b", "exactly one of command, lambda, states, container, http"),
        ({"command": ["x"], "http": {}}, "targets.a.b", "exactly one of"),
        ({"comand": ["x"]}, "targets.a.b", "exactly one of"),
        ({"command": ["x"], "descripton": ""}, "targets.a.b.descripton", "did you mean 'description'?"),
        ({"command": ["x"], "pool": "ecs"}, "targets.a.b.pool", "field of a submission"),
        ({"command": ["x"], "retry": {}}, "targets.a.b.retry", "field of a submission"),
        ({"http": {"url": "https://e.org"}, "exit_codes": {}}, "targets.a.b.exit_codes", "or a container only"),
        ({"command": "x y"}, "targets.a.b.command", "[sh, -c, …]"),
        ({"command": []}, "targets.a.b.command", "1 to"),
        ({"command": ["x"] * (MAX_ARGUMENTS + 1)}, "targets.a.b.command", f"1 to {MAX_ARGUMENTS}"),
        ({"command": ["x", 3]}, "targets.a.b.command[1]", "quotation marks"),
        ({"command": ["x", True]}, "targets.a.b.command[1]", "quotation marks"),
        ({"command": ["x", "a\0b"]}, "targets.a.b.command[1]", "NUL"),
        ({"command": ["x" * 4_097]}, "targets.a.b.command[0]", "longer than 4,096"),
        ({"command": [" "]}, "targets.a.b.command[0]", "must name a program"),
        ({"command": ["bin/x"]}, "targets.a.b.command[0]", "write {here}/bin/x"),
        ({"command": ["{here}/../x"]}, "targets.a.b.command[0]", "below the folder"),
        ({"command": ["x"], "result": "first-line"}, "targets.a.b.result", "last-line, or {file: NAME}"),
        ({"command": ["x"], "result": {"file": "../x"}}, "targets.a.b.result.file", "below the attempt's folder"),
        ({"command": ["x"], "result": {"file": "/x"}}, "targets.a.b.result.file", "below the attempt's folder"),
        ({"command": ["x"], "result": {"fil": "x"}}, "targets.a.b.result.fil", "did you mean 'file'?"),
        ({"command": ["x"], "exit_codes": {"0": {}}}, "targets.a.b.exit_codes.0", "0 always succeeds"),
        ({"command": ["x"], "exit_codes": {"256": {}}}, "targets.a.b.exit_codes.256", "from 1 to 255"),
        ({"command": ["x"], "exit_codes": {"٣": {}}}, "targets.a.b.exit_codes.٣", "from 1 to 255"),
        ({"command": ["x"], "exit_codes": {"1": {}, "01": {}}}, "targets.a.b.exit_codes.01", "mapped twice"),
        ({"command": ["x"], "exit_codes": {"1": {"retry": 1}}}, "targets.a.b.exit_codes.1.retry", "true or false"),
        ({"command": ["x"], "exit_codes": {"1": {"code": "a b"}}}, "targets.a.b.exit_codes.1.code", "a word of"),
        ({"command": ["x"], "exit_codes": {str(n): {} for n in range(1, MAX_EXIT_CODES + 2)}},
         "targets.a.b.exit_codes", "at most 50"),
        ({"command": ["x"], "timeout_seconds": 0}, "targets.a.b.timeout_seconds", "whole seconds from 1"),
        ({"command": ["x"], "timeout_seconds": True}, "targets.a.b.timeout_seconds", "whole seconds from 1"),
        ({"command": ["x"], "timeout_seconds": 43_201}, "targets.a.b.timeout_seconds", "43,200"),
        ({"command": ["x"], "reads_upstreams": "yes"}, "targets.a.b.reads_upstreams", "true or false"),
        ({"command": ["x"], "description": "x" * 501}, "targets.a.b.description", "at most 500"),
        ({"command": ["x"], "parameters": {"type": "array"}}, "targets.a.b.parameters.type", "must be object"),
        ({"command": ["x"], "parameters": []}, "targets.a.b.parameters", "must be an object"),
        ({"lambda": FUNCTION}, "targets.a.b.lambda", "must be an object"),
        ({"lambda": {"function": "render"}}, "targets.a.b.lambda.function", "an ARN like"),
        ({"lambda": {"function": f"{FUNCTION}:$LATEST"}}, "targets.a.b.lambda.function", "not with :$LATEST"),
        ({"lambda": {"function": MACHINE}}, "targets.a.b.lambda.function", "an ARN like"),
        ({"lambda": {"function": f"{FUNCTION}*"}}, "targets.a.b.lambda.function", "an ARN like"),
        ({"lambda": {"function": FUNCTION}, "aws_credentials": True}, "targets.a.b.aws_credentials", "command only"),
        ({"states": {"machine": FUNCTION}}, "targets.a.b.states.machine", "an ARN like"),
        ({"http": {"url": "http://example.com"}}, "targets.a.b.http.url", "https://"),
        ({"http": {"url": "https://10.0.0.1/"}}, "targets.a.b.http.url", "public internet"),
        ({"http": {"url": "https://e.org", "method": "GET"}}, "targets.a.b.http.method", "must be POST"),
        ({"http": {"url": "https://e.org", "headers": {"host": "x"}}}, "targets.a.b.http.headers.host", "itself"),
        ({"http": {"url": "https://e.org", "headers": {"a": "b\r\nc"}}}, "targets.a.b.http.headers.a", "ASCII"),
        ({"http": {"url": "https://e.org", "headers": {"a": {"variable": "a b"}}}},
         "targets.a.b.http.headers.a.variable", "TIDEGATE_JOB_ENVIRONMENT"),
        ({"http": {"url": "https://e.org", "statuses": {"200": {}}}}, "targets.a.b.http.statuses.200", "300 to 599"),
    ],
)  # fmt: skip
def test_a_fault_names_its_field_and_the_fix(target: dict[str, object], field: str, message: str) -> None:
    targets, (fault,) = read_targets(_file(**target))
    assert not targets
    assert fault.name == "a.b"
    assert field in [each.field for each in fault.violations]
    assert message in str(fault)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "must be an object"),
        ([], "must be an object"),
        ({"targets": {}}, "version must be 1"),
        ({"version": 2, "targets": {}}, "version must be 1"),
        ({"version": True, "targets": {}}, "version must be 1"),
        ({"version": 1, "target": {}}, "did you mean 'targets'?"),
        ({"version": 1, "targets": []}, "targets must be an object"),
        ({"version": 1, "targets": {str(n): {} for n in range(MAX_TARGETS + 1)}}, "at most 500"),
    ],
)
def test_a_file_that_is_none_has_one_fault(value: object, message: str) -> None:
    targets, (fault,) = read_targets(value)
    assert not targets
    assert fault.name == ""
    assert message in str(fault)


def test_a_faulty_target_does_not_take_the_others_with_it() -> None:
    file: Any = {"version": 1, "targets": {"a": {"command": []}, "b": {"command": ["true"]}, "c": None}}
    targets, faults = read_targets(file)
    assert [each.name for each in targets] == ["b"]
    assert [each.name for each in faults] == ["a", "c"]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "version",
                    "targets",
                    "command",
                    "lambda",
                    "states",
                    "http",
                    "result",
                    "file",
                    "exit_codes",
                    "1",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(_VALUES)
def test_no_value_breaks_the_reader(value: object) -> None:
    for file in (value, {"version": 1, "targets": value}, {"version": 1, "targets": {"a": value}}):
        targets, faults = read_targets(file)
        assert all(str(each) for each in faults)
        assert len({each.name for each in targets}) == len(targets)
