"""The clients of AWS with their limits, errors and usage, and the queues on SQS."""
