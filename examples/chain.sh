#!/bin/sh
# Submits a workflow, and shows what stands around one of its jobs: dependencies, dependents and the whole chain.
# Run: examples/chain.sh, while the local stack is up. For AWS set TIDEGATE_API_URL and credentials first.
set -eu
folder=$(dirname "$0")
workflow=$(tidegate submit "$folder/critical-path.yaml")

tidegate jobs dependencies "$workflow.2"
tidegate jobs dependents "$workflow.1"
tidegate jobs chain "$workflow.2" --direction up --format mermaid
