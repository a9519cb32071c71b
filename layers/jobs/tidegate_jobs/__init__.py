"""Job code. Every module in here is imported by every worker; see README.md for how to add a job type."""
