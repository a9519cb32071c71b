"""The costs of jobs: units that AWS bills, counted from a job's own item, and their price."""
