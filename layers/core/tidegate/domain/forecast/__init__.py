"""The forecast: it steps a workflow forward by the dispatcher's own plan, over drawn run times."""
