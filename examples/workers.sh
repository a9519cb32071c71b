#!/bin/sh
# Shows how the deployment works: its schedules and streams, its workers by free slots, and the jobs of a worker.
# Run: examples/workers.sh, while the local stack is up and `tidegate` is on the PATH.
set -eu
folder=$(dirname "$0")

tidegate status || echo "not healthy: exit code $?"
job=$(tidegate submit "$folder/job.json")
tidegate wait "$job"
tidegate workers list --order free
worker=$(tidegate jobs get "$job" --output json | python3 -c 'import json, sys; print(json.load(sys.stdin)["worker"])')
tidegate jobs list --worker "$worker" --state SUCCEEDED
