#!/bin/sh
# Runs a workflow that fails half way, then reruns the part that did not succeed.
# Run: examples/rerun.sh, while the local stack is up and `tidegate` is on the PATH.
set -eu
folder=$(dirname "$0")

workflow=$(tidegate submit "$folder/rerun.yaml")
tidegate wait "$workflow" || echo "the workflow failed with exit code $?"
tidegate workflows get "$workflow"

tidegate workflows rerun "$workflow"
tidegate wait "$workflow"
tidegate workflows get "$workflow"
