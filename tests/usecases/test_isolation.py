"""Pieces of work that are isolated from each other: all run, and the first error is raised at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tidegate.domain.errors import ServiceRefused, ServiceUnavailable
from tidegate.usecases.isolation import FirstError


def test_every_piece_runs_and_the_first_error_is_raised() -> None:
    first = ServiceUnavailable("first")
    raised: list[Exception | None] = [None, first, None, ServiceRefused("second"), None]
    done = []
    errors = FirstError()
    for place, error in enumerate(raised):
        with errors.isolated():
            if error is not None:
                raise error
            done.append(place)
    assert done == [0, 2, 4]
    with pytest.raises(ServiceUnavailable) as caught:
        errors.raise_first()
    assert caught.value is first


def test_nothing_is_raised_if_nothing_failed() -> None:
    errors = FirstError()
    errors.raise_first()
    with errors.isolated():
        pass
    errors.raise_first()


@pytest.mark.parametrize("error", [KeyError("k"), ZeroDivisionError(), StopIteration()], ids=repr)
def test_an_error_of_any_kind_is_kept(error: Exception) -> None:
    errors = FirstError()
    with errors.isolated():
        raise error
    with pytest.raises(type(error)) as caught:
        errors.raise_first()
    assert caught.value is error


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_passes_at_once(interrupt: type[BaseException]) -> None:
    errors = FirstError()
    with pytest.raises(interrupt), errors.isolated():
        raise interrupt
    errors.raise_first()


def test_an_error_of_the_items_themselves_passes_at_once() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ServiceRefused("no further item")

    errors = FirstError()

    def work() -> None:
        for _ in items():
            with errors.isolated():
                raise ServiceUnavailable("kept")

    with pytest.raises(ServiceRefused):
        work()
    with pytest.raises(ServiceUnavailable):
        errors.raise_first()


def test_a_piece_may_hold_pieces_of_its_own() -> None:
    outer, done = FirstError(), []
    with outer.isolated():
        inner = FirstError()
        for place in range(3):
            with inner.isolated():
                done.append(place)
                raise ServiceUnavailable(str(place))
        inner.raise_first()
    assert done == [0, 1, 2]
    with pytest.raises(ServiceUnavailable, match="0"):
        outer.raise_first()
