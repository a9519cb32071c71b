"""A statement that comes twice in a row is parsed once. Every other statement is parsed each time."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate_devstack.parse_once import ParseOnce


class Parser:
    """Counts the statements that it parses."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, statement: str, parameters: Any) -> dict[str, Any]:
        """Parses, unless the statement is a bad one."""
        if statement == "bad":
            raise ValueError(statement)
        self.count += 1
        return {"number": self.count, "statement": statement, "parameters": parameters}


def test_the_check_and_the_execution_share_one_parsing() -> None:
    parser = Parser()
    once = ParseOnce(parser)
    parameters = [{"S": "a"}]
    assert once("UPDATE", parameters) is once("UPDATE", parameters)
    assert parser.count == 1


def test_what_was_executed_is_not_handed_out_again() -> None:
    once = ParseOnce(Parser())
    parameters = [{"S": "a"}]
    first, _, third = (once("UPDATE", parameters) for _ in range(3))
    assert (first["number"], third["number"]) == (1, 2)


def test_the_same_text_with_equal_but_other_parameters_is_another_statement() -> None:
    once = ParseOnce(Parser())
    first, second = once("UPDATE", [{"S": "a"}]), once("UPDATE", [{"S": "a"}])
    assert first["number"] != second["number"]


def test_another_text_with_the_same_parameters_is_another_statement() -> None:
    once = ParseOnce(Parser())
    parameters = [{"S": "a"}]
    assert [once(text, parameters)["statement"] for text in ("UPDATE", "INSERT")] == ["UPDATE", "INSERT"]


def test_a_statement_that_cannot_be_parsed_is_refused_each_time() -> None:
    once = ParseOnce(Parser())
    parameters = [{"S": "a"}]
    for _ in range(2):
        with pytest.raises(ValueError, match="bad"):
            once("bad", parameters)


def test_what_was_parsed_ahead_is_not_parsed_again() -> None:
    parser = Parser()
    once = ParseOnce(parser)
    batch = [("UPDATE", [{"S": "a"}]), ("UPDATE", [{"S": "b"}])]
    ahead = [once.ahead(*statement) for statement in batch]
    for statement, parsed in zip(batch, ahead, strict=True):
        assert once(*statement) is parsed  # the call that checks it
        assert once(*statement) is parsed  # the call that executes it
    assert parser.count == 2


def test_what_was_parsed_ahead_is_forgotten_with_its_batch() -> None:
    once = ParseOnce(Parser())
    statement = ("UPDATE", [{"S": "a"}])
    ahead = once.ahead(*statement)
    once.forget()
    assert once(*statement) is not ahead
