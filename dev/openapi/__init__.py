"""Makes docs/reference/openapi.json from the table of routes, the models of requests and answers, and kept answers."""
