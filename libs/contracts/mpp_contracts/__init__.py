"""What services tell each other: published events, in pydantic alone."""
