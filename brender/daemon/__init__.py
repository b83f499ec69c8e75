"""The worker daemon's world: sockets, processes, files."""
