"""Real servers of other projects on this machine, from wheels: PostgreSQL, NATS, Traefik."""
