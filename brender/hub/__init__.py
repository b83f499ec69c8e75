"""The master's world: the hub that owns the core, its links, its writer."""
