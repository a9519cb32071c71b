"""The checks of every run: invariants of jobs and histories, the cost of attempts, skipped jobs, limits on dispatch."""
