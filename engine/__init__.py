"""Join, kernels, portfolio and figures: what is computed."""
