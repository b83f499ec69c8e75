"""The pure core: events in, changes and orders out. Time, ids and chance are arguments."""
