"""brender: a render farm you run from a prompt."""

__version__ = "3.0.0"
