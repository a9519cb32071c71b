"""Keeps webhooks for operators, and delivers events to them."""
