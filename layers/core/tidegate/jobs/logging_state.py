"""Saves the configuration of a process's loggers and restores it."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import Any

RECORD_FORMAT = "%(levelname)s %(name)s %(message)s"


@dataclass(frozen=True, slots=True)
class _Logger:
    level: int
    propagates: bool
    is_disabled: bool
    handlers: tuple[logging.Handler, ...]
    filters: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Handler:
    level: int
    formatter: logging.Formatter | None
    filters: tuple[Any, ...]
    prints: str | None  # the standard stream that it writes to


_FRESH = _Logger(logging.NOTSET, propagates=True, is_disabled=False, handlers=(), filters=())


class LoggingState:
    """The configuration of all loggers at its creation; `restore` brings it back."""

    def __init__(self) -> None:
        self._loggers = {logger.name: _state_of(logger) for logger in _loggers()}
        self._handlers = {
            handler: _Handler(handler.level, handler.formatter, tuple(handler.filters), _stream_name(handler))
            for state in self._loggers.values()
            for handler in state.handlers
        }
        self._disabled = logging.root.manager.disable
        self._class = logging.getLoggerClass()
        self._factory = logging.getLogRecordFactory()
        self._raises = logging.raiseExceptions

    def restore(self) -> None:
        """Undoes all changes. A logger that is new gets the default configuration."""
        for logger in _loggers():
            wanted = self._loggers.get(logger.name, _FRESH)
            if _state_of(logger) != wanted:
                logger.setLevel(wanted.level)
                logger.propagate = wanted.propagates
                logger.disabled = wanted.is_disabled
                logger.handlers[:] = wanted.handlers
                logger.filters[:] = wanted.filters
        for handler, state in self._handlers.items():
            handler.setLevel(state.level)
            handler.setFormatter(state.formatter)
            handler.filters[:] = state.filters
            if state.prints is not None and isinstance(handler, logging.StreamHandler):
                handler.stream = getattr(sys, state.prints)  # job code may have closed the previous stream
        if logging.root.manager.disable != self._disabled:
            logging.disable(self._disabled)
        logging.setLoggerClass(self._class)
        logging.setLogRecordFactory(self._factory)
        logging.raiseExceptions = self._raises


def _loggers() -> list[logging.Logger]:
    known = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(one for one in known if isinstance(one, logging.Logger))]


def _state_of(logger: logging.Logger) -> _Logger:
    return _Logger(
        logger.level, logger.propagate, logger.disabled, tuple(logger.handlers), tuple(logger.filters)
    )


def _stream_name(handler: logging.Handler) -> str | None:
    for name in ("stdout", "stderr"):
        if isinstance(handler, logging.StreamHandler) and handler.stream is getattr(sys, name):
            return name
    return None
