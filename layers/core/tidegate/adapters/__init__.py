"""The adapters: the ports over DynamoDB, SQS, the clock and the processes that run job code."""
