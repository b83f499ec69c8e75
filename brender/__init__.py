"""brender: a render farm you run from a prompt."""

from typing import Any

__version__ = "3.0.0"


def __getattr__(name: str) -> Any:
    """`from brender import MailLoggerClient`: the seed's name, imported when somebody asks for it."""
    if name == "MailLoggerClient":
        import importlib

        return importlib.import_module("brender.mail_logger")
    raise AttributeError(f"module 'brender' has no attribute {name!r}")
