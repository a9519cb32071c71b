"""Benchmarks: each is one command and prints the figures that it measured."""
