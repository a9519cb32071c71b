"""The JSON Schemas of job types' parameters: read once, then checked within a bounded number of steps."""
