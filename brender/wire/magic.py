"""The magic packet of wake-on-LAN (AMD, 1995): six bytes FF, then the card's MAC sixteen times."""

from __future__ import annotations


def magic_packet(mac: str) -> bytes:
    """The payload for a MAC of 12 hex digits. Raises ValueError for anything else."""
    card = bytes.fromhex(mac)
    if len(card) != 6:
        raise ValueError(f"{mac!r} is no MAC of 12 hex digits")
    return b"\xff" * 6 + card * 16
