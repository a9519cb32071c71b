"""The worker process: serves a pool with a number of slots until it is told to stop."""
