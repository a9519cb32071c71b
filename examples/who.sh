#!/bin/sh
# Shows who you are to the deployment and what you may do, and who asked for what.
# Run: examples/who.sh, while the local stack is up and `tidegate` is on the PATH.
set -eu
tidegate me
job=$(echo '{"type": "tidegate.sleep", "parameters": {"seconds": 60}}' | tidegate submit -)
tidegate jobs cancel "$job"
tidegate audit --subject "job#$job"    # who submitted it, and who cancelled it
tidegate grants list                   # what operators allow the other callers
tidegate shares list lambda
