"""How good the estimates are: simulated malls, the classics on the same paths, and the intervals between them."""
