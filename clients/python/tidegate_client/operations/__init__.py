"""One function for each route. It returns the request and the reader of its answer, and sends nothing."""
