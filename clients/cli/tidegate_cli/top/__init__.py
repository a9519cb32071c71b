"""Shows what a deployment does now: its pools, the jobs that run longest, and the overdue ones."""
