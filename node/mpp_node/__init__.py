"""One machine: embedded PostgreSQL, NATS and gateway, every service, and the command `mpp`."""
