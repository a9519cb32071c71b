"""The counting of jobs that have ended."""
