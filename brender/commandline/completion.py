"""`brender completion bash|zsh|fish`: the script that makes Tab complete words and names; and the answers it asks for.

It says nothing when something is wrong: whoever presses Tab wants words, or none. It must not know what is offered.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from brender import endings
from brender.errors import InvalidParams, nearest
from brender.wire.screen import escape

if TYPE_CHECKING:
    from brender.commandline.tab import Tab

SHELLS = ("bash", "zsh", "fish")
SCRIPTS = Path(__file__).parent / "scripts"
WIDEST = 70  # characters of what a word is; shells show it beside the word
HELP = """Usage: brender completion bash | zsh | fish

Print the script that makes Tab complete commands, options, and the names of the farm's machines, jobs and projects.

  bash   source <(brender completion bash)            in ~/.bashrc
  zsh    source <(brender completion zsh)             in ~/.zshrc, after compinit
  fish   brender completion fish | source             in ~/.config/fish/completions/brender.fish

Names come from the master that brender config shows. Without one the words that need no farm are still completed."""


def main(argv: Sequence[str]) -> int:
    """Print a script, or for `answer SHELL LINE` what may follow the line."""
    words = list(argv)
    if words[:1] == ["answer"] and len(words) >= 3 and words[1] in SHELLS:
        return _answer(words[1], words[2], words[3] if len(words) > 3 else "")
    if not words or set(words) & {"-h", "--help"}:
        print(HELP)
        return endings.DONE
    if len(words) != 1 or words[0] not in SHELLS:
        hint = nearest(words[0], SHELLS) or f"It is one of {', '.join(SHELLS)}."
        error = InvalidParams(f"There is no completion for {' '.join(words)!r}.", hint=hint)
        return endings.tell(error, "brender completion", "text")
    print((SCRIPTS / f"brender.{words[0]}").read_text(), end="")
    return endings.DONE


def _answer(shell: str, line: str, breaks: str) -> int:
    """First whether words or files are wanted, then the words as this shell takes them."""
    from brender.commandline.tab import tab

    found = tab(line)
    print("files" if found.files else "words")
    for text in _for_bash(found, breaks) if shell == "bash" else _with_meaning(found):
        print(text)
    return endings.DONE


def _with_meaning(found: Tab) -> list[str]:
    """zsh and fish quote by themselves, and show what a word is."""
    return [f"{offer.text}\t{_short(offer.about)}" for offer in found.offers]


def _short(about: str) -> str:
    """The first part of a sentence, harmless to a terminal."""
    first = re.split(r"[.;:] ", escape(about), maxsplit=1)[0].rstrip(".")
    return first if len(first) <= WIDEST else first[: WIDEST - 1] + "…"


def _for_bash(found: Tab, breaks: str) -> list[str]:
    """bash replaces only what follows the last of its own word breaks (`=`, `:`), or an open quote."""
    quote = found.typed[:1] if found.typed[:1] in ("'", '"') else ""
    if quote:
        return [offer.text for offer in found.offers]
    parts = re.split(f"[{re.escape(breaks)}]", found.typed) if breaks else [found.typed]
    kept = found.typed[: len(found.typed) - len(parts[-1])]
    texts = [offer.text.removeprefix(kept) for offer in found.offers]
    return [text if text.endswith("=") else _quoted(text) for text in texts]


def _quoted(text: str) -> str:
    return shlex.quote(text) if re.search(r"[\s'\"\\$&;|<>()*?`!#~]", text) else text
