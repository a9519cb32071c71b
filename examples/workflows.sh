#!/bin/sh
# Submits a tagged workflow, finds it by its tag, draws its graph and its critical path, and watches it to its end.
# Run: examples/workflows.sh, while the local stack is up. For AWS set TIDEGATE_API_URL and credentials first.
set -eu
tag="run=$(date -u +%Y%m%d%H%M%S)-$$"
workflow=$(tidegate submit - --output json <<JSON | python3 -c 'import json, sys; print(json.load(sys.stdin)["workflow_id"])'
{"name": "nightly", "tags": {"run": "${tag#run=}"}, "jobs": [
  {"key": "extract", "type": "tidegate.sleep", "parameters": {"seconds": 3}, "estimated_duration_seconds": 5},
  {"key": "check", "type": "tidegate.noop", "depends_on": [{"key": "extract"}]},
  {"key": "load", "type": "tidegate.sleep", "parameters": {"seconds": 2}, "estimated_duration_seconds": 1,
   "depends_on": [{"key": "check"}]}
]}
JSON
)
tidegate workflows graph "$workflow"
tidegate workflows list --tag "$tag"
tidegate workflows critical-path "$workflow"
tidegate workflows watch "$workflow"
