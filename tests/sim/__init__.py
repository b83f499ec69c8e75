"""A whole farm in one thread from one seed: real core, duties and wire; only time, disks and networks are fake."""
