"""Shapes on the wire: requests and answers of the API, problems, times, and the messages of queues."""
