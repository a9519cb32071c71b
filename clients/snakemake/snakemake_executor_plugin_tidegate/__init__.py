"""Snakemake's executor `tidegate`: the rules of a workflow run as jobs of a tidegate deployment.

Snakemake finds three names here: `Executor`, `ExecutorSettings` and `common_settings`.
"""

from __future__ import annotations

from snakemake_executor_plugin_tidegate.executor import Executor
from snakemake_executor_plugin_tidegate.settings import ExecutorSettings, common_settings

__all__ = ["Executor", "ExecutorSettings", "common_settings"]
