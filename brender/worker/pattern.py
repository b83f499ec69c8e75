"""The name of a finished frame as its step writes it: one group of # for the number, and words in braces.

Pure text: it must not know Blender, folders or what a step is.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Final

from brender.errors import InvalidParams, nearest

TOKENS: Final = ("job", "step", "scene", "camera", "layer")
# The token of a pattern -> the parameter that says its word: what only the file knows is not known in time.
OF_PARAMS: Final = {"scene": "scene", "camera": "camera", "layer": "view_layer"}
_TOKEN: Final = re.compile(r"\{([^{}]*)\}")
_WORD_BYTES: Final = 63  # as long as Blender's own names may be; a file name has room for three


def check(pattern: str, params: Mapping[str, str | None]) -> None:
    """Raise InvalidParams for a pattern that cannot become a file name with these scene, camera and view_layer."""
    if len(re.findall(r"#+", pattern)) != 1:
        raise InvalidParams(
            f"Blender parameters: pattern {pattern!r} needs one group of # for the frame number.",
            hint="For example frame_####.",
        )
    for token in _TOKEN.findall(pattern):
        if token not in TOKENS:
            hint = nearest(token, TOKENS) or f"It knows {', '.join(f'{{{one}}}' for one in TOKENS)}."
            raise InvalidParams(f"Blender parameters: pattern {pattern!r} has no token {{{token}}}.", hint=hint)
        key = OF_PARAMS.get(token)
        if key is not None and params[key] is None:
            raise InvalidParams(
                f"Blender parameters: pattern {pattern!r} names the {token}, but {key} is not given.",
                hint=f"Name it in {key}, or take {{{token}}} out.",
            )


def filled(pattern: str, words: Mapping[str, str]) -> str:
    """The pattern with its tokens replaced; a word keeps only what may stand in a file name."""
    # A first dot would hide the frames, and .brender is a folder of ours.
    return re.sub(r"\A\.", "_", _TOKEN.sub(lambda found: _file_word(words[found[1]]), pattern))


def _file_word(text: str) -> str:
    """A name as part of a file name; one too long for that is cut, and marked so that two stay two."""
    word = re.sub(r"[^\w.+-]+", "_", text)
    if len(word.encode()) <= _WORD_BYTES:
        return word
    return f"{word.encode()[: _WORD_BYTES - 9].decode(errors='ignore')}-{zlib.crc32(text.encode()):08x}"
