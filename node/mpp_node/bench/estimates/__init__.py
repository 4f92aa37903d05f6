"""How good the estimates are: simulated malls, and the classics on the same paths."""
