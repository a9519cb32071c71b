#!/bin/sh
# Limits and pauses a job type while the system runs, shows that a job waits for it, and takes both rules off again.
# Run: examples/rules.sh, while the local stack is up and `tidegate` is on the PATH.
set -eu
folder=$(dirname "$0")

take_off() {
  tidegate types resume tidegate.sleep
  tidegate types limit tidegate.sleep none
}
trap take_off EXIT

tidegate types limit tidegate.sleep 1    # at most one job of the type at once
tidegate types pause tidegate.sleep      # and for now none; `tidegate pools pause` holds a whole pool
job=$(tidegate submit "$folder/job.json")
tidegate jobs get "$job"                 # READY, and says what holds it back

tidegate types resume tidegate.sleep
tidegate wait "$job"
