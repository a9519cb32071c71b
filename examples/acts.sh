#!/bin/sh
# Puts a workflow on hold, changes a job of it, says what acts would do, lets it go on, and ends a job by hand.
# Run: examples/acts.sh, while the local stack is up and `tidegate` is on the PATH.
set -eu
workflow=$(tidegate submit - <<'JSON'
{"name": "nightly", "jobs": [
  {"key": "extract", "type": "tidegate.sleep", "parameters": {"seconds": 30}},
  {"key": "load", "type": "tidegate.noop", "depends_on": [{"key": "extract"}]},
  {"key": "mail", "type": "tidegate.noop", "depends_on": [{"key": "load"}]}
]}
JSON
)
tidegate workflows hold "$workflow"
tidegate workflows list --state HELD
tidegate jobs change "$workflow.1" --priority 900 --description "asked for by the auditors"

# What acts would do: one job, a whole workflow, all jobs of a filter.
tidegate jobs cancel "$workflow.1" --downstream --dry-run
tidegate workflows cancel "$workflow" --dry-run
tidegate jobs reprioritise --workflow "$workflow" --state PENDING --priority 800 --dry-run

tidegate jobs mark "$workflow.2" --as skipped --reason "nobody reads the mail"
tidegate workflows unhold "$workflow"
tidegate wait "$workflow"
tidegate workflows get "$workflow"
