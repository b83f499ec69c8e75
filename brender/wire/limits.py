"""How much a peer may say before it is refused: the defaults of the contract's quota table, in one place.

It must not know who enforces them; every codec is handed the same frozen object.
"""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Caps per connection; sizes in bytes unless the name says otherwise."""

    opening: int = 1024
    """What may arrive before the kind of the conversation is known."""
    telnet_line: int = 8 * 1024
    json_line: int = 1024 * 1024
    frame: int = 4 * 1024 * 1024
    depth: int = 32
    """Nesting of one JSON message, its outermost brackets included."""
    batch: int = 256
    """Members of one JSON-RPC batch."""
    pending: int = 16_384
    """Telnet commands read but not yet answered: type-ahead, or a script piped through nc."""
    faults: int = 64
    """Unusable JSON lines in a row before the peer is hung up: it is not talking to us."""


DEFAULT = Limits()
