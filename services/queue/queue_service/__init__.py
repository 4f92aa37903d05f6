"""The queue of one mall: tickets, calls, counters, and what the board shows."""
