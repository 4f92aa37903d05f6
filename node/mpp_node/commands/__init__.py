"""What `mpp` can be told, one file per group of commands."""
