"""The figures brender promises, each measured beside its peer in the same run: `python -m bench`."""
