"""`brender web`: the farm's page for browsers, on 127.0.0.1:8060. This file only composes; it decides nothing.

Exit codes: 0 stopped, 1 the address is taken or there is no page, 78 refused (an address that is not this machine's).
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from brender import address
from brender.errors import BrenderError, Busy, Forbidden

if TYPE_CHECKING:  # both are slow to load, and --help needs neither
    import uvicorn

    from brender.gateway.pages import Pages

PORT = 8060
MOST_MESSAGE = 1 << 20  # bytes of one message of a page, as of a JSON line


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="brender web", description="Serve the farm's page to browsers.")
    words.add_argument("--listen", default=f"127.0.0.1:{PORT}", metavar="HOST:PORT", help=f"default 127.0.0.1:{PORT}")
    words.add_argument("--master", default="", metavar="HOST:PORT", help="default $BRENDER_MASTER, else 127.0.0.1:6000")
    words.add_argument("--data", type=Path, default=None, metavar="DIR", help="where uploaded files are kept")
    words.add_argument(
        "--outputs",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="show frames and movies below this folder only (several times; default: wherever steps put them)",
    )
    words.add_argument(
        "--scenes",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="offer scenes below this folder only (several times; default: wherever this program may look)",
    )
    words.add_argument("--page", type=Path, metavar="DIR", help="serve this folder instead of the page of brender")
    words.add_argument("--verbose", action="store_true", help="log every request")
    return words


def chosen(asked: str | bool) -> str:
    """Where the page of a farm that is started here goes, "" for nowhere; True is any address. Raises Busy."""
    if asked is True:
        try:
            asked = f"127.0.0.1:{PORT}"
            listener("127.0.0.1", PORT, "").close()
        except Busy:  # another farm's page is there, so ours goes elsewhere
            with listener("127.0.0.1", 0, "") as free:
                asked = f"127.0.0.1:{free.getsockname()[1]}"
    elif asked:
        host, port = address.parse(asked, PORT)
        listener(host, port, "Give the page another address with --web, or leave it out: --no-web.").close()
        asked = address.in_words(host, port)
    return asked or ""


def listener(
    host: str, port: int, hint: str = "If a page runs there, use it; else --listen elsewhere."
) -> socket.socket:
    """A socket that listens. Raises Busy."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        made = socket.create_server((host, port), family=family, backlog=1024)
        # What we accept inherits it; asyncio sets it only where a socket names its protocol, and this one does not.
        # Without it every answer of a head and a body waits 40 ms for the browser's acknowledgement.
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    except OSError as error:
        raise Busy(f"{address.in_words(host, port)} is taken: {error.strerror}.", hint=hint) from None


def _server(given: argparse.Namespace, place: str, web: str, page: Pages) -> uvicorn.Server:
    """The gateway to the master at `place`, which browsers know as `web`."""
    import uvicorn

    from brender.gateway import app, browse, shelf, upload

    data = (given.data or address.state_directory("web")).absolute()
    config = uvicorn.Config(
        app.make(
            place,
            web,
            page,
            upload.Uploads(data / "uploads"),
            shelf.Shelf(given.outputs),
            browse.Browse(given.scenes),
        ),
        log_level=logging.INFO if given.verbose else logging.WARNING,
        access_log=given.verbose,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=MOST_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
    )
    return uvicorn.Server(config)


def main(argv: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit code."""
    given = parser().parse_args(argv)
    level = logging.INFO if given.verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        host, port = address.parse(given.listen, PORT)
        address.check_loopback(host, port)
        place = address.in_words(*address.master(given.master or os.environ.get(address.MASTER_VARIABLE, "")))
        from brender.gateway import pages

        page = pages.Pages(pages.folder(given.page))
        sock = listener(host, port)
    except BrenderError as error:
        print(f"brender web: {error.sentence()}", file=sys.stderr)
        return 78 if isinstance(error, Forbidden) else 1
    web = address.in_words(host, sock.getsockname()[1])
    server = _server(given, place, web, page)
    print(f"brender web on http://{web}/ for the farm at {place}", flush=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)  # uvicorn stops in order, then raises the signal once more
    server.run(sockets=[sock])
    return 0


if __name__ == "__main__":
    sys.exit(main())
