"""A delivery becomes a letter: subject, plain text, HTML with small pictures inline. It sends nothing.

Everything in a delivery is foreign text: it is escaped for HTML, kept out of headers, and of files only thumbnails that
lie where brender puts them are read.
"""

from __future__ import annotations

import email.policy
import time
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Any

from brender.commands.layout import number, span
from brender.notify.credentials import Credentials
from brender.notify.page import ended_of, job_link, less, page, part
from brender.wire.screen import escape

Delivery = dict[str, Any]
MOST_PICTURES = 6
PICTURE_BYTES = 200_000
SUBJECT = 180  # characters
FREQUENCY = {"INSTANTANEOUSLY": "at once", "HOURLY": "hourly", "DAILY": "daily", "WEEKLY": "weekly"}
THUMBS = ".brender/thumbs"


def of(delivery: Delivery, credentials: Credentials, recipients: list[str]) -> EmailMessage:
    """The whole letter. Its Message-ID is the same at every attempt, so a reader has it once."""
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["Subject"] = subject(delivery)
    mail["From"] = Address("brender", addr_spec=credentials.sender)
    mail["To"] = ", ".join(recipients)
    mail["Date"] = formatdate(delivery["created_at"], localtime=True)
    mail["Message-ID"] = f"<{delivery['message_id']}@{credentials.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Id"] = f"brender <{_label(delivery['logger'])}.brender.{credentials.domain}>"
    mail["X-Brender-Level"] = delivery["level"]
    pictures = thumbnails(delivery)
    mail.set_content(text(delivery, credentials.page))
    ids = [f"<picture-{at}.{delivery['message_id']}@{credentials.domain}>" for at in range(len(pictures))]
    html = page(delivery, [(path, cid[1:-1]) for path, cid in zip(pictures, ids, strict=True)], credentials.page)
    mail.add_alternative(html, subtype="html")
    body = mail.get_payload(1)
    assert isinstance(body, EmailMessage)
    for path, cid in zip(pictures, ids, strict=True):
        body.add_related(path.read_bytes(), "image", "jpeg", cid=cid, filename=path.name, disposition="inline")
    return mail


def _label(name: str) -> str:
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower()).strip("-")
    return kept[:60] or "log"


def subject(delivery: Delivery) -> str:
    """MAC or worker, logger, frequency, and what it is about (RM-44)."""
    records = delivery["records"]
    hosts = list(dict.fromkeys(_who(one) for one in records))
    where = hosts[0] if len(hosts) == 1 else number(len(hosts), "machine")
    if len(records) == 1:
        what = f"{records[0]['level']}: {records[0]['text']}"
    else:
        what = f"{delivery['level']}: {number(len(records), 'line')}, the last: {records[-1]['text']}"
    head = f"[{delivery['logger']}] {where} {FREQUENCY.get(delivery['schedule'], delivery['schedule'])}"
    return _header(f"{head} - {what}")


def _who(record: dict[str, Any]) -> str:
    host, mac = record["host"] or "farm", record["mac"]
    return f"{host} ({mac})" if mac else str(host)


def _header(words: str) -> str:
    """One line without anything that could end a header."""
    line = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    line = line.encode("utf-8", "replace").decode()
    return line if len(line) <= SUBJECT else line[: SUBJECT - 1] + "…"


def line(record: dict[str, Any], delivery: Delivery) -> str:
    """`time host mac level schedule: name: text`, newlines escaped (RM-44)."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record["at"]))
    who = escape(f"{record['host'] or 'farm'} {record['mac'] or '-'}")
    said = escape(record["text"].replace("\r\n", "\n").replace("\n", "\\n"))
    return f"{at} {who} {record['level']} {delivery['schedule']}: {escape(delivery['logger'])}: {said}"


def text(delivery: Delivery, site: str = "") -> str:
    """The plain half: a line for each record, and what a job's end has to tell. `site` is where the farm's page is."""
    lines: list[str] = []
    for record in delivery["records"]:
        lines.append(line(record, delivery))
        lines += [f"    {one}" for one in details(record["data"], site)]
    return (
        "\n".join([*lines, "", "-- ", f"brender, logger {escape(delivery['logger'])}: {how_to_change(delivery)}"])
        + "\n"
    )


def how_to_change(delivery: Delivery) -> str:
    """How the reader gets less of this."""
    rarer = f"{escape(delivery['logger'])} {delivery['level']} {less(delivery)}"
    return f"when lines are mailed is set with: log config {rarer}"


def details(data: dict[str, Any], site: str = "") -> list[str]:
    """What stands below a line: of a job its counts, what failed and why, where its pictures are; what to do."""
    found = []
    if (ended := ended_of(data)) is not None:
        found.append(
            f"{ended.done} of {ended.total} done, {ended.failed} failed, in {span(ended.seconds)}"
            + (f", submitted by {escape(ended.submitter)}" if ended.submitter else "")
        )
        for one in ended.failures:
            where = f" on {escape(one.worker)}" if one.worker else ""
            found.append(f"{escape(part(one))}: {escape(one.state)}{where}: {escape(one.reason) or 'no reason given'}")
        found += [f"pictures: {escape(folder)}" for folder in ended.outputs]
        if link := job_link(ended, site):
            found.append(f"see: {link}")
    if runbook := data.get("runbook"):
        found.append(f"what to do: {escape(str(runbook))}")
    return found


def thumbnails(delivery: Delivery) -> list[Path]:
    """Small pictures of finished renders that this machine can see, the newest of each folder."""
    found: list[Path] = []
    for record in delivery["records"]:
        ended = ended_of(record["data"])
        for folder in ended.outputs if ended is not None and ended.done else []:
            if len(found) < MOST_PICTURES and (newest := _newest(Path(folder))) is not None and newest not in found:
                found.append(newest)
    return found


def _newest(output: Path) -> Path | None:
    """The last thumbnail of a folder of frames; output may name a file pattern in it."""
    for folder in (output, output.parent):
        try:
            if not folder.is_absolute():
                return None
            names = [path for path in (folder / THUMBS).iterdir() if path.suffix == ".jpg"]
            good = [path for path in names if path.is_file() and not path.is_symlink()]
            good = [path for path in good if 0 < path.stat().st_size <= PICTURE_BYTES]
        except OSError:
            continue
        if good:
            return max(good, key=lambda path: (path.stat().st_mtime, path.name))  # others may be of an older job
    return None
