"""The work of the functions around their use cases: decoding events, logging, metrics. The API's stands in `api`."""
