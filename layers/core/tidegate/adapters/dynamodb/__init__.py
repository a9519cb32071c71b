"""The stores on DynamoDB: items, keys, conditional writes and queries."""
