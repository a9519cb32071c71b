"""The loader of JSON and YAML: one meaning, none of YAML's traps, errors with line and column."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harness.cli.screens import tidegate
from tidegate_cli.documents.structures import MAX_DEPTH, load
from tidegate_cli.errors import MalformedFile

JOB = """\
# a job with a retry policy, as the pages show it
type: tidegate.flaky
parameters: {country: no, day: 2026-12-01, at: 12:30, on: on, big: 1_000, version: "1.10"}
not_before: 2026-12-01T06:00:00Z
retry: {backoff_seconds: 10, max_backoff_seconds: 300, never_on: [BadAccount, worker-lost]}
"""


def test_yaml_means_what_the_same_json_means() -> None:
    assert load(JOB, "job.yaml") == {
        "type": "tidegate.flaky",
        "parameters": {
            "country": "no",
            "day": "2026-12-01",
            "at": "12:30",
            "on": "on",
            "big": "1_000",
            "version": "1.10",
        },
        "not_before": "2026-12-01T06:00:00Z",
        "retry": {
            "backoff_seconds": 10,
            "max_backoff_seconds": 300,
            "never_on": ["BadAccount", "worker-lost"],
        },
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("NO", "NO"),
        ("~", None),
        ("null", None),
        ("'null'", "null"),
        ("12", 12),
        ("-12", -12),
        ("+1", 1),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("0x1F", 31),
        ("0o17", 15),
        ("0", 0),
        ("0.5", 0.5),
        ("190:20:30", "190:20:30"),
        ("!!str 12", "12"),
        ("|\n  a\n  b\n", "a\nb\n"),
        ("=", "="),
        ("夜", "夜"),
    ],
)
def test_plain_values_follow_the_core_schema(text: str, value: object) -> None:
    assert load(f"a: {text}", "x.yaml") == {"a": value}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3", "an object has 'a' twice at line 3 column 1"),
        ("a:\n  - {b: 1, b: 2}", "an object has 'b' twice at line 2 column 12"),
        ("1: x", "a name in an object must be text; put it in quotation marks at line 1 column 1"),
        ("true: x", "must be text"),
        ("~: x", "must be text"),
        ("[a]: x", "must be text"),
        ("a: &x {b: 1}\nc: {<<: *x}", "<< merges are not supported"),
        ("a: *x", "*x refers to no value that ended before it at line 1 column 4"),
        ("a: &x [*x]", "*x refers to no value"),
        (
            "a: !!python/object/apply:os.system ['true']",
            "the tag tag:yaml.org,2002:python/object/apply:os.system",
        ),
        ("a: !thing 1", "the tag !thing is not supported at line 1 column 4"),
        ("a: !!timestamp 2026-12-01", "is not supported"),
        ('a: !!int "5"', "the tag tag:yaml.org,2002:int is not supported"),
        ("a: 007", "007 may be a number or a text"),
        ("a: .inf", ".inf is not a number in JSON"),
        ("a: .NaN", "is not a number"),
        ("a: 1e400", "a is too large a number; at most 1.7e308"),
        ("a: {b: [0, 1e999]}", "a.b[1] is too large"),
        ("a: " + "9" * 5_000, "has too many digits"),
        ("a: 1\n---\nb: 2", "holds a second document; submit one at a time at line 2"),
        (" \n", "x.yaml is empty"),
        (
            "type: x\nparameters:\n\té: 1",
            "a line is indented with a tab, not with spaces, at line 3 column 1",
        ),
        ("é: 1\nb:\n  c: 1\n\td: 2", "a line is indented with a tab, not with spaces, at line 4 column 1"),
        ("# nothing", "it is empty"),
        ("a: [1, 2", "at line 2 column 1"),
        ("a: b: c", "mapping values are not allowed in this context at line 1 column 5"),
        ("a: \x07", "not allowed"),
        ("[" * (MAX_DEPTH + 1), "is nested too deeply; at most 200 levels"),
        ("a: " * 3 + "[" * 100_000, "line 1"),
    ],
)
def test_what_json_cannot_say_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(MalformedFile) as caught:
        load(text, "x.yaml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("x.yaml")


def test_yaml_in_braces_is_yaml() -> None:
    assert load("{type: x, parameters: {a: 1,}}", "standard input") == {"type": "x", "parameters": {"a": 1}}


def test_aliases_are_taken_and_a_bomb_of_them_is_not() -> None:
    assert load("a: &x {n: [1]}\nb: *x", "x.yaml") == {"a": {"n": [1]}, "b": {"n": [1]}}
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    began = time.process_time()
    with pytest.raises(MalformedFile, match="aliases make it too large"):
        load("\n".join(lines), "x.yaml")
    with pytest.raises(MalformedFile, match="aliases make it too large"):
        load(f"a: &x {'y' * 1_000_000}\nb: [{', '.join(['*x'] * 5_000)}]", "x.yaml")
    assert time.process_time() - began < 5
    large = load("a:\n" + f"- {'y' * 1_000}\n" * 9_000, "x.yaml")
    assert isinstance(large, dict)
    assert len(large["a"]) == 9_000  # 9 MB of plain values are no bomb


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("job.json", "type: x", "job.json is not JSON: Expecting value at line 1 column 1"),
        ("job.json", '{"a": 1,}', "job.json is not JSON"),
        ("job", '{"a": 1 "b"}', "job is not JSON: Expecting ',' delimiter at line 1 column 9"),
        ("job", "a: [", "job is neither JSON nor YAML"),
        ("job.json", '{"a": 1e400}', "job.json: a is too large a number"),
        ("job.json", '{"a": -1e400}', "too large"),
        ("job.json", '{"a": ' + "9" * 5_000 + "}", "job.json is not valid"),
        ("job.json", '{"a": "\\ud800"}', "surrogate"),
        ("job.json", "[" * 201 + "]" * 201, "job.json is nested too deeply; at most 200 levels"),
        ("job.json", '{"a": ' * 900 + "1" + "}" * 900, "job.json is nested too deeply"),
        ("job.yaml", 'a: "\\ud800"', "job.yaml"),
    ],
)
def test_the_ending_chooses_the_language_and_json_is_tried_first(name: str, text: str, said: str) -> None:
    with pytest.raises(MalformedFile) as caught:
        load(text, name)
    assert said in str(caught.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_json_is_read_as_it_is(value: object) -> None:
    try:
        text = json.dumps(value)
        text.encode().decode()
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert load(text, "x.json") == value
    assert load(text, "standard input") == value


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="ab:-[]{}&*!<>|?#'\"\n \t01.,%@`~", max_size=60))
def test_no_text_ends_in_anything_but_a_value_or_a_message(text: str) -> None:
    for name in ("x.yaml", "x.json", "x"):
        with suppress(MalformedFile):
            json.dumps(load(text, name), allow_nan=False)


def test_a_yaml_file_is_submitted(tmp_path: Path) -> None:
    file = tmp_path / "job.yml"
    file.write_text("type: x\nretry: {backoff_seconds: 1, backoff_seconds: 2}\n", encoding="utf-8")
    result = tidegate("submit", str(file))
    assert result.exit_code == 2
    assert "an object has 'backoff_seconds' twice at line 2 column 29" in result.stderr
