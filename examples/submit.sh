#!/bin/sh
# Submits a workflow with curl and an idempotency key, twice: the second call brings the first workflow back.
# Run: examples/submit.sh, while the local stack is up. For AWS set API_URL, AWS_REGION and credentials first.
set -eu
folder=$(dirname "$0")
if [ -z "${API_URL:-}" ]; then
  eval "$(tidegate local env)"
  API_URL=$(tidegate local status --output json |
    python3 -c 'import json, sys; print(json.load(sys.stdin)["api_url"])')
fi

signed() {
  curl -sS --aws-sigv4 "aws:amz:$AWS_REGION:execute-api" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
    ${AWS_SESSION_TOKEN:+-H} ${AWS_SESSION_TOKEN:+"x-amz-security-token: $AWS_SESSION_TOKEN"} "$@"
}

key="nightly-$(date -u +%Y-%m-%d)"
for call in first second; do
  echo "$call: $(signed -H "Idempotency-Key: $key" -d "@$folder/workflow.json" "$API_URL/v1/workflows")"
done
