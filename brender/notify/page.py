"""The HTML half of a letter: tables and inline styles, for that is all that every reader of mail shows.

Everything is escaped here and nowhere else. Nothing is loaded from anywhere: pictures are parts of the letter.
"""

from __future__ import annotations

import html
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from brender.commands.layout import number, span

COLOURS = {"DEBUG": "#6b7280", "INFO": "#2563eb", "WARNING": "#b45309", "ERROR": "#c2410c", "ALERT": "#b91c1c"}
TITLES = {"HOURLY": "the last hour", "DAILY": "the last day", "WEEKLY": "the last week"}
FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px"
Delivery = dict[str, Any]


def page(delivery: Delivery, pictures: Iterable[tuple[Path, str]]) -> str:
    """The whole document; `pictures` are thumbnails with their Content-IDs."""
    shown = list(pictures)
    records = delivery["records"]
    rows = "".join(_record(one, shown) for one in records)
    colour = COLOURS.get(delivery["level"], COLOURS["INFO"])
    title = TITLES.get(delivery["schedule"], "now")
    levels = [one["level"] for one in records]
    sums = ", ".join(f"{levels.count(level)} {level}" for level in COLOURS if level in levels)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light">'
        f"<title>{_e(delivery['logger'])}</title></head>"
        f'<body style="margin:0;background:#f3f4f6;color:#111827;{FONT}">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" '
        'style="padding:24px 12px"><table role="presentation" width="640" cellpadding="0" cellspacing="0" '
        f'style="max-width:640px;width:100%;background:#ffffff;border-top:4px solid {colour}">'
        f'<tr><td style="padding:20px 24px 4px;font-size:20px;font-weight:600">{_e(delivery["logger"])}: {title}'
        "</td></tr>"
        f'<tr><td style="padding:0 24px 12px;color:#4b5563;font-size:14px">{number(len(records), "line")}: {sums}</td>'
        f"</tr>{rows}"
        '<tr><td style="padding:16px 24px;color:#6b7280;font-size:12px;border-top:1px solid #e5e7eb">'
        f'Sent by brender. When these lines are mailed: <span style="{MONO};font-size:12px">log config '
        f"{_e(delivery['logger'])} {_e(delivery['level'])} DAILY</span></td></tr></table></td></tr></table></body>"
        "</html>"
    )


def _e(value: Any) -> str:
    return html.escape("".join(char if char.isprintable() else " " for char in str(value)))


def _record(record: dict[str, Any], pictures: list[tuple[Path, str]]) -> str:
    colour = COLOURS.get(record["level"], COLOURS["INFO"])
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record["at"]))
    who = _e(record["host"] or "farm") + (f" {_e(record['mac'])}" if record["mac"] else "")
    said = "<br>".join(_e(line) for line in record["text"].splitlines()) or "&nbsp;"
    data = record["data"]
    more = _job(data, pictures) if data.get("kind") == "job" else ""
    if data.get("runbook"):
        more += f'<div style="margin-top:6px;font-size:13px">What to do: {_e(data["runbook"])}</div>'
    return (
        '<tr><td style="padding:12px 24px;border-top:1px solid #e5e7eb">'
        f'<div style="font-size:12px;color:#6b7280"><span style="color:{colour};font-weight:700">{_e(record["level"])}'
        f"</span> &middot; {at} &middot; {who}</div>"
        f'<div style="margin-top:4px;font-size:15px;overflow-wrap:anywhere">{said}</div>{more}</td></tr>'
    )


def _job(data: dict[str, Any], pictures: list[tuple[Path, str]]) -> str:
    """Counts, a small picture of each folder with a link to it, what failed and why."""
    done, total, failed = int(data["done"]), int(data["total"]), int(data["failed"])
    took = span(float(data["seconds"]))
    parts = [
        f'<div style="margin-top:6px;font-size:13px;color:#4b5563">{done} of {total} tasks done, {failed} failed, '
        f"in {took}</div>{_bar(done, failed, total)}"
    ]
    for folder in data.get("outputs", []):
        parts.append(_folder(str(folder), pictures))
    if data.get("failures"):
        rows = "".join(_failure(one) for one in data["failures"])
        left = failed - len(data["failures"])
        rest = f'<div style="font-size:12px;color:#6b7280">and {left} more</div>' if left > 0 else ""
        parts.append(
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="margin-top:8px">'
            f"{rows}</table>{rest}"
        )
    return "".join(parts)


def _bar(done: int, failed: int, total: int) -> str:
    """How much is done and how much failed, as a bar that needs no picture."""
    if not total:
        return ""
    cells = ""
    for share, colour in ((done, "#16a34a"), (failed, "#dc2626"), (total - done - failed, "#d1d5db")):
        if share > 0:
            cells += f'<td width="{max(1, round(100 * share / total))}%" height="8" style="background:{colour}"></td>'
    return (
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" '
        f'style="margin-top:6px"><tr>{cells}</tr></table>'
    )


def _folder(folder: str, pictures: list[tuple[Path, str]]) -> str:
    link = f"file://{quote(folder)}" if folder.startswith("/") else ""
    words = f'<a href="{html.escape(link)}" style="color:#2563eb;{MONO}">{_e(folder)}</a>' if link else _e(folder)
    image = ""
    for path, cid in pictures:
        if path.parent.parent.parent in (Path(folder), Path(folder).parent):
            frame = _e(path.name.removesuffix(".jpg"))
            image = (
                f'<div style="margin-top:8px"><a href="{html.escape(link)}"><img src="cid:{html.escape(cid)}" '
                f'alt="{frame}" width="320" style="display:block;max-width:100%;border:0"></a>'
                f'<div style="font-size:12px;color:#6b7280">{frame}</div></div>'
            )
    return f'{image}<div style="margin-top:4px;overflow-wrap:anywhere">{words}</div>'


def part(one: dict[str, Any]) -> str:
    """What failed: a step and its frame, or its task by number."""
    frames = str(one.get("frames") or "")
    if not frames:
        return f"{one['step']} {one['task']}"
    return f"{one['step']}, frame{'' if frames.isdigit() else 's'} {frames}"


def _failure(one: dict[str, Any]) -> str:
    where = f" on {_e(one['worker'])}" if one.get("worker") else ""
    return (
        '<tr><td style="padding:6px 8px;border-left:3px solid #dc2626;background:#fef2f2;font-size:13px;'
        f'overflow-wrap:anywhere"><b>{_e(part(one))}</b> {_e(one["state"])}{where}: '
        f"{_e(one['reason']) or 'no reason given'}</td></tr>"
    )
