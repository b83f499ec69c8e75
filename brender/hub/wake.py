"""Sends magic packets (wake-on-LAN). It must not know workers or why one is woken."""

from __future__ import annotations

import logging
from ipaddress import ip_address
from typing import Any

from gevent import socket

from brender import address
from brender.commands.calls import Packet, Wake
from brender.errors import BrenderError
from brender.wire.magic import magic_packet

log = logging.getLogger("brender.wake")


def wake(act: Wake) -> dict[str, Any]:
    """Send what the act asks for; {"woken", "passed", "failed"}, each with id and name, the last two with a reason."""
    woken: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for packet in act.packets:
        about = {"id": packet.id, "name": packet.name}
        try:
            send(packet)
        except (OSError, BrenderError, ValueError) as error:
            log.warning("%s could not be told to wake: %s", packet.name, error)
            failed.append({**about, "reason": str(error).rstrip(".")})
        else:
            woken.append({**about, "where": packet.where})
    return {"woken": woken, "passed": act.passed, "failed": failed}


def send(packet: Packet) -> None:
    """One datagram. Raises OSError for a network that cannot be reached, an error for an address that is none.

    Only addresses in numbers are taken: no name is looked up because a worker's config says so.
    """
    host, port = address.parse(packet.where, default_port=9)
    family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        link.sendto(magic_packet(packet.mac), (host, port))
