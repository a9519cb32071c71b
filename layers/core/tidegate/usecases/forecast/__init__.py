"""Forecasts when jobs start and workflows end, from what the dispatcher would read."""
