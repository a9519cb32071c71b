"""Turns operations, lists and flows into methods, so that both clients have the same ones from one definition each."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from tidegate_client.exchange import Flow, Stream, Surroundings, each_page, exchange
from tidegate_client.wire import Listing, Operation, Page

P = ParamSpec("P")
T = TypeVar("T")


class SyncDriver(Protocol):
    """A client that carries out flows, and waits meanwhile."""

    around: Surroundings

    def run(self, flow: Flow[T]) -> T:
        """Carries a flow out, and returns its value."""

    def stream(self, flow: Stream[T]) -> Iterator[T]:
        """Carries a flow out as far as the caller asks for values."""


class AsyncDriver(Protocol):
    """A client that carries out flows on the event loop."""

    around: Surroundings

    def run(self, flow: Flow[T]) -> Coroutine[Any, Any, T]:
        """Carries a flow out, and returns its value."""

    def stream(self, flow: Stream[T]) -> AsyncIterator[T]:
        """Carries a flow out as far as the caller asks for values."""


class Items(Generic[T]):
    """A list that is read as it is iterated: page by page, each when its first item is asked for."""

    def __init__(self, driver: SyncDriver, listing: Listing[T]) -> None:
        self._driver = driver
        self._listing = listing

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """Yields the pages. A page may be empty although more follow."""
        return self._driver.stream(each_page(self._listing, self._driver.around))

    def page(self, cursor: str | None = None) -> Page[T]:
        """Returns the page at a cursor, the first one for None."""
        return self._driver.run(exchange(self._listing.at(cursor), self._driver.around))


class AsyncItems(Generic[T]):
    """A list that is read as it is iterated with `async for`: page by page."""

    def __init__(self, driver: AsyncDriver, listing: Listing[T]) -> None:
        self._driver = driver
        self._listing = listing

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    def pages(self) -> AsyncIterator[Page[T]]:
        """Yields the pages. A page may be empty although more follow."""
        return self._driver.stream(each_page(self._listing, self._driver.around))

    async def page(self, cursor: str | None = None) -> Page[T]:
        """Returns the page at a cursor, the first one for None."""
        return await self._driver.run(exchange(self._listing.at(cursor), self._driver.around))


def call(operation: Callable[P, Operation[T]]) -> Callable[Concatenate[SyncDriver, P], T]:
    """Returns the method that sends an operation and returns its answer."""

    @functools.wraps(operation)
    def method(self: SyncDriver, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(exchange(operation(*args, **kwargs), self.around))

    return method


def async_call(operation: Callable[P, Operation[T]]) -> Callable[Concatenate[AsyncDriver, P], Awaitable[T]]:
    """Returns the coroutine method that sends an operation and returns its answer."""

    @functools.wraps(operation)
    async def method(self: AsyncDriver, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.run(exchange(operation(*args, **kwargs), self.around))

    return method


def items(listing: Callable[P, Listing[T]]) -> Callable[Concatenate[SyncDriver, P], Items[T]]:
    """Returns the method that returns a list to iterate over."""

    @functools.wraps(listing)
    def method(self: SyncDriver, /, *args: P.args, **kwargs: P.kwargs) -> Items[T]:
        return Items(self, listing(*args, **kwargs))

    return method


def async_items(listing: Callable[P, Listing[T]]) -> Callable[Concatenate[AsyncDriver, P], AsyncItems[T]]:
    """Returns the method that returns a list to iterate over with `async for`."""

    @functools.wraps(listing)
    def method(self: AsyncDriver, /, *args: P.args, **kwargs: P.kwargs) -> AsyncItems[T]:
        return AsyncItems(self, listing(*args, **kwargs))

    return method


def wait(
    flow: Callable[Concatenate[Surroundings, P], Flow[T]],
) -> Callable[Concatenate[SyncDriver, P], T]:
    """Returns the method that carries a flow out and returns its value."""

    @functools.wraps(flow)
    def method(self: SyncDriver, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(flow(self.around, *args, **kwargs))

    return method


def async_wait(
    flow: Callable[Concatenate[Surroundings, P], Flow[T]],
) -> Callable[Concatenate[AsyncDriver, P], Awaitable[T]]:
    """Returns the coroutine method that carries a flow out and returns its value."""

    @functools.wraps(flow)
    async def method(self: AsyncDriver, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.run(flow(self.around, *args, **kwargs))

    return method


def follow(
    flow: Callable[Concatenate[Surroundings, P], Stream[T]],
) -> Callable[Concatenate[SyncDriver, P], Iterator[T]]:
    """Returns the method that iterates over the values of a flow."""

    @functools.wraps(flow)
    def method(self: SyncDriver, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        return self.stream(flow(self.around, *args, **kwargs))

    return method


def async_follow(
    flow: Callable[Concatenate[Surroundings, P], Stream[T]],
) -> Callable[Concatenate[AsyncDriver, P], AsyncIterator[T]]:
    """Returns the method that iterates over the values of a flow with `async for`."""

    @functools.wraps(flow)
    def method(self: AsyncDriver, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        return self.stream(flow(self.around, *args, **kwargs))

    return method
