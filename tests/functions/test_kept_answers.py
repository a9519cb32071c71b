"""The API answers every route as before, byte for byte."""

from __future__ import annotations

from tests.harness.functions.every_answer import KEPT, every_answer


def test_every_answer_is_as_it_was() -> None:
    assert every_answer().split("\n") == KEPT.read_text(encoding="utf-8").split("\n")
