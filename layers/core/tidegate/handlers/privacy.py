"""Keeps a process's memory, environment and open files from other processes of the same user."""

from __future__ import annotations

from tidegate.kernel import hide_process

__all__ = ["hide_process"]
