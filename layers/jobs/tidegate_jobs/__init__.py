"""Job code. Every worker imports every module in this folder. README.md says how to add a job type."""
