"""Targets that call services, which a test plays on the loopback interface."""
