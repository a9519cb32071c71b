#!/bin/sh
# Submits two jobs, one after the other, and asks why the second is not running.
# Run: examples/why.sh, while the local stack is up. For AWS set TIDEGATE_API_URL and credentials first.
set -eu
workflow=$(tidegate submit - --output json <<'JSON' | python3 -c 'import json, sys; print(json.load(sys.stdin)["workflow_id"])'
{"jobs": [
  {"key": "extract", "type": "tidegate.sleep", "parameters": {"seconds": 20}},
  {"key": "load", "type": "tidegate.noop", "depends_on": [{"key": "extract"}]}
]}
JSON
)
tidegate why "$workflow.1"
