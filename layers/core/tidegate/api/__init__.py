"""The HTTP API: the resolver, the answers to errors, and routes for each part."""
