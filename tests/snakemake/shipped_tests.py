"""The tests that Snakemake ships for executors. `test_executor.py` runs them in Snakemake's own environment."""

from __future__ import annotations

import os

from snakemake.common.tests import TestWorkflowsLocalStorageBase

from snakemake_executor_plugin_tidegate import ExecutorSettings


class TestTidegate(TestWorkflowsLocalStorageBase):  # type: ignore[misc] # Snakemake publishes no types
    """Runs the simple workflow and the one with groups."""

    __test__ = True

    def get_executor(self) -> str:
        return "tidegate"

    def get_executor_settings(self) -> ExecutorSettings:
        return ExecutorSettings(
            api_url=os.environ["TIDEGATE_TEST_API_URL"], region=os.environ["TIDEGATE_TEST_REGION"]
        )
