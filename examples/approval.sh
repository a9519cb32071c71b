#!/bin/sh
# Asks for an approval, gives it, and shows who gave it. The job that follows runs only then.
# Run: examples/approval.sh, while the local stack is up. For AWS set TIDEGATE_API_URL and credentials first.
set -eu
me=$(tidegate me --output json | python3 -c 'import json, sys; print(json.load(sys.stdin)["subject"])')
workflow=$(tidegate submit - --output json <<JSON | python3 -c 'import json, sys; print(json.load(sys.stdin)["workflow_id"])'
{"name": "publish", "jobs": [
  {"key": "ask", "type": "tidegate.approval", "max_retries": 0,
   "parameters": {"title": "Publish the figures?", "approvers": ["$me"], "timeout_seconds": 600}},
  {"key": "publish", "type": "tidegate.noop", "depends_on": [{"key": "ask"}]}
]}
JSON
)
tries=0
until tidegate approvals | grep "$workflow.0"; do
  tries=$((tries + 1)) && [ "$tries" -lt 60 ] && sleep 1    # a worker hands it over in moments
done
tidegate why "$workflow.0"
tidegate approve "$workflow.0" --comment "figures checked"    # you may, because the job names you
tidegate wait "$workflow"
