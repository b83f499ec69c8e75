"""brender: a render farm you run from a prompt. `brender.connect()` is its Python API (docs/python.md).

The API is loaded when it is first asked for: `import brender` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brender.api.events import Event, Events
    from brender.api.farm import Farm, connect
    from brender.api.jobs import Job, Jobs
    from brender.api.limits import Limit, Limits
    from brender.api.mail_logger import MailLoggerClient
    from brender.api.presets import Preset, Presets
    from brender.api.projects import Project, Projects
    from brender.api.steps import Step
    from brender.api.tasks import Task
    from brender.api.workers import Worker, Workers
    from brender.errors import (
        BrenderError,
        Busy,
        Conflict,
        Exists,
        Forbidden,
        InternalError,
        Invalid,
        InvalidParams,
        InvalidRequest,
        NoMaster,
        NotFound,
        ParseError,
        TimedOut,
        Unauthorised,
        UnknownCommand,
        Unsupported,
        WrongState,
    )

__version__ = "3.0.0"

# fmt: off
_ROOMS = {
    "brender.api.events": ("Event", "Events",),
    "brender.api.farm": ("Farm", "connect",),
    "brender.api.jobs": ("Job", "Jobs",),
    "brender.api.limits": ("Limit", "Limits",),
    "brender.api.mail_logger": ("MailLoggerClient",),
    "brender.api.presets": ("Preset", "Presets",),
    "brender.api.projects": ("Project", "Projects",),
    "brender.api.steps": ("Step",),
    "brender.api.tasks": ("Task",),
    "brender.api.workers": ("Worker", "Workers",),
    "brender.errors": (
        "BrenderError", "Busy", "Conflict", "Exists", "Forbidden", "InternalError", "Invalid",
        "InvalidParams", "InvalidRequest", "NoMaster", "NotFound", "ParseError", "TimedOut", "Unauthorised",
        "UnknownCommand", "Unsupported", "WrongState",
    ),
}
__all__ = [
    "BrenderError", "Busy", "Conflict", "Event", "Events", "Exists", "Farm", "Forbidden", "InternalError",
    "Invalid", "InvalidParams", "InvalidRequest", "Job", "Jobs", "Limit", "Limits", "MailLoggerClient", "NoMaster",
    "NotFound", "ParseError", "Preset", "Presets", "Project", "Projects", "Step", "Task", "TimedOut", "Unauthorised",
    "UnknownCommand", "Unsupported", "Worker", "Workers", "WrongState", "__version__", "connect",
]
# fmt: on
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}


def __getattr__(name: str) -> Any:
    """What the API offers, from the room that has it."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'brender' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_ROOM_OF[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
