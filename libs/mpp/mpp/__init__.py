"""The one library that every service shares; it knows no service."""
