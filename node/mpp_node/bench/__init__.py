"""`mpp bench`: what a node can do on this machine, measured on servers of its own."""
