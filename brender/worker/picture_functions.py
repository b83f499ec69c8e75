"""The functions that make something of finished frames: movie, contact_sheet, last_frame, merge, as templates.

Each is a process of `python -m brender.pictures`; its parameters are typed here, by the rules of functions.py. It must
not know how any of them is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from brender.worker.functions import Parameter, Template

_FOLDER: Final = {"source": Parameter("path"), "pattern": Parameter("str", default="frame_####")}
_FRAMES: Final = {**_FOLDER, "range": Parameter("str", default="")}
# `output` may be left out where there is an obvious name for it; an empty range means all frames that lie there.
# Without fps a movie has the rate of the scene that its frames are of.
PARAMS: Final[dict[str, dict[str, Parameter]]] = {
    "movie": {
        **_FRAMES,
        "output": Parameter("path"),
        "fps": Parameter("float", min=0.1, max=1000, default=None),
        "codec": Parameter("str", choices=["h264", "prores", "lossless"], default="h264"),
        "quality": Parameter("int", min=0, max=51, default=16),
        "holes": Parameter("bool", default=False),
    },
    "contact_sheet": {
        **_FRAMES,
        "output": Parameter("path", default=None),
        "columns": Parameter("int", min=0, max=1000, default=0),
        "size": Parameter("int", min=16, max=1024, default=320),
    },
    "last_frame": {**_FRAMES, "output": Parameter("path", default=None)},
    "merge": {
        "source": Parameter("path"),
        "pattern": Parameter("str"),
        "count": Parameter("int", min=1, max=10_000),
        "first": Parameter("int", min=-1_000_000, max=1_000_000, default=1),
        "output": Parameter("path"),
        "tiles": Parameter("str", default=""),
        "samples": Parameter("bool", default=False),
    },
}


def picture_templates(program: Sequence[str], env: Mapping[str, str]) -> dict[str, Template]:
    """By name; `program` is the argv that the name of the function follows."""
    return {
        name: Template([*program, name, *(f"--{key}={{{key}}}" for key in params)], params, dict(env))
        for name, params in PARAMS.items()
    }
