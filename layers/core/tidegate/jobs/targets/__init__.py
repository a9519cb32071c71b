"""Targets: job types whose code is a command or a service, read from `targets.yaml` beside the modules of job code."""
