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

import msgspec
from msgspec import Struct, field

from brender.commands.layout import number, span

COLOURS = {"DEBUG": "#6b7280", "INFO": "#2563eb", "WARNING": "#b45309", "ERROR": "#c2410c", "ALERT": "#b91c1c"}
KINDS = {"HOURLY": "Hourly digest", "DAILY": "Daily digest", "WEEKLY": "Weekly digest"}
LESS = {"HOURLY": "DAILY", "DAILY": "WEEKLY", "WEEKLY": "SILENTLY"}  # what comes more rarely than that
# Readers that know no style sheets show the light colours that stand at each element; a dark one has these in place.
DARK = (
    "@media (prefers-color-scheme: dark) {"
    " .bg { background: #0f1320 !important; color: #e5e7eb !important } .sheet { background: #181d2c !important }"
    " .rule { border-color: #2b3245 !important } .dim { color: #a3abbd !important } .link { color: #7fb2ff !important }"
    " .bad { background: #3a1d22 !important; color: #fbe9ea !important }"
    + "".join(
        f" .{level} {{ color: {colour} !important }}"
        for level, colour in {
            "DEBUG": "#a3abbd", "INFO": "#7fb2ff", "WARNING": "#f0b23e", "ERROR": "#ff9a62", "ALERT": "#ff7b83"
        }.items()
    )
    + " }"
)  # fmt: skip
FONT = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
MONO = "font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px"
Delivery = dict[str, Any]


class Failure(Struct):
    """A task that failed."""

    step: str
    task: int
    state: str
    frames: str = ""
    reason: str = ""
    worker: str = ""


class Ended(Struct):
    """What a line says of a job that is over; `job` is its id. Anybody may write lines, so it is checked."""

    name: str
    done: int
    failed: int
    total: int
    seconds: float
    job: int = 0
    submitter: str = ""
    failures: list[Failure] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)


def ended_of(data: dict[str, Any]) -> Ended | None:
    """The end of a job that a line tells of; None for all other lines."""
    if data.get("kind") != "job":
        return None
    try:
        return msgspec.convert(data, Ended)
    except msgspec.ValidationError:
        return None


def page(delivery: Delivery, pictures: Iterable[tuple[Path, str]], site: str = "") -> str:
    """The whole document; `pictures` are thumbnails with their Content-IDs, `site` is where the farm's page is."""
    shown = list(pictures)
    records = delivery["records"]
    rows = "".join(_record(one, shown, site) for one in records)
    colour = COLOURS.get(delivery["level"], COLOURS["INFO"])
    kind = KINDS.get(delivery["schedule"], "At once")
    levels = [one["level"] for one in records]
    sums = ", ".join(f"{levels.count(level)} {level}" for level in COLOURS if level in levels)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        f"<title>{_e(delivery['logger'])}</title><style>{DARK}</style></head>"
        f'<body class="bg" style="margin:0;background:#f3f4f6;color:#111827;{FONT}">'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" '
        'style="padding:24px 12px">'
        '<table class="sheet" role="presentation" width="640" cellpadding="0" cellspacing="0" '
        f'style="max-width:640px;width:100%;background:#ffffff;border-top:4px solid {colour}">'
        f'<tr><td style="padding:20px 24px 4px;font-size:20px;font-weight:600">{_e(delivery["logger"])}</td></tr>'
        '<tr><td class="dim" style="padding:0 24px 12px;color:#4b5563;font-size:14px">'
        f"{kind}, {number(len(records), 'line')}: {sums}</td></tr>{rows}"
        '<tr><td class="dim rule" style="padding:16px 24px;color:#6b7280;font-size:12px;border-top:1px solid #e5e7eb">'
        f'Sent by brender. When these lines are mailed: <span style="{MONO};font-size:12px">log config '
        f"{_e(delivery['logger'])} {_e(delivery['level'])} {less(delivery)}</span>"
        "</td></tr></table></td></tr></table></body></html>"
    )


def less(delivery: Delivery) -> str:
    """The schedule by which lines as these come more rarely than they did."""
    return LESS.get(delivery["schedule"], "DAILY")


def _e(value: Any) -> str:
    return html.escape("".join(char if char.isprintable() else " " for char in str(value)))


def job_link(ended: Ended, site: str) -> str:
    """Where the farm's page shows a job; empty where nobody has said where the page is."""
    return f"{site}/#/jobs/{ended.job}" if site and ended.job else ""


def _record(record: dict[str, Any], pictures: list[tuple[Path, str]], site: str) -> str:
    colour = COLOURS.get(record["level"], COLOURS["INFO"])
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record["at"]))
    who = _e(record["host"] or "farm") + (f" {_e(record['mac'])}" if record["mac"] else "")
    said = "<br>".join(_e(line) for line in record["text"].splitlines()) or "&nbsp;"
    ended = ended_of(record["data"])
    more = _job(ended, pictures, job_link(ended, site)) if ended is not None else ""
    if runbook := record["data"].get("runbook"):
        more += f'<div style="margin-top:6px;font-size:13px">What to do: {_e(runbook)}</div>'
    return (
        '<tr><td class="rule" style="padding:12px 24px;border-top:1px solid #e5e7eb">'
        '<div class="dim" style="font-size:12px;color:#6b7280">'
        f'<span class="{_e(record["level"])}" style="color:{colour};font-weight:700">{_e(record["level"])}</span>'
        f" &middot; {at} &middot; {who}</div>"
        f'<div style="margin-top:4px;font-size:15px;overflow-wrap:anywhere">{said}</div>{more}</td></tr>'
    )


def _job(ended: Ended, pictures: list[tuple[Path, str]], link: str) -> str:
    """Counts, a small picture of each folder with a link to it, what failed and why, the job on the farm's page."""
    done, total, failed = ended.done, ended.total, ended.failed
    by = f", submitted by {_e(ended.submitter)}" if ended.submitter else ""
    parts = [
        '<div class="dim" style="margin-top:6px;font-size:13px;color:#4b5563">'
        f"{done} of {total} tasks done, {failed} failed, in {span(ended.seconds)}{by}</div>{_bar(done, failed, total)}"
    ]
    parts += [_folder(folder, pictures, link) for folder in ended.outputs]
    if ended.failures:
        rows = "".join(_failure(one) for one in ended.failures)
        left = failed - len(ended.failures)
        rest = f'<div class="dim" style="font-size:12px;color:#6b7280">and {left} more</div>' if left > 0 else ""
        parts.append(
            '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="margin-top:8px">'
            f"{rows}</table>{rest}"
        )
    if link:
        parts.append(
            '<div style="margin-top:8px;font-size:13px">'
            f'<a class="link" href="{html.escape(link)}" style="color:#2563eb">'
            f"{_e(ended.name)} on the farm's page</a></div>"
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


def _folder(folder: str, pictures: list[tuple[Path, str]], job: str) -> str:
    """A picture of it that leads to the job, where a reader of mail follows no link to a file."""
    link = f"file://{quote(folder)}" if folder.startswith("/") else ""
    words = (
        f'<a class="link" href="{html.escape(link)}" style="color:#2563eb;{MONO}">{_e(folder)}</a>'
        if link
        else _e(folder)
    )
    image = ""
    for path, cid in pictures:
        if path.parent.parent.parent in (Path(folder), Path(folder).parent):
            frame = _e(path.name.removesuffix(".jpg"))
            image = (
                f'<div style="margin-top:8px"><a href="{html.escape(job or link)}"><img src="cid:{html.escape(cid)}" '
                f'alt="{frame}" style="display:block;max-width:100%;border:0"></a>'
                f'<div class="dim" style="font-size:12px;color:#6b7280">{frame}</div></div>'
            )
    return f'{image}<div style="margin-top:4px;overflow-wrap:anywhere">{words}</div>'


def part(one: Failure) -> str:
    """What failed: a step and its frame, or its task by number."""
    if not one.frames:
        return f"{one.step} {one.task}"
    return f"{one.step}, frame{'' if one.frames.isdigit() else 's'} {one.frames}"


def _failure(one: Failure) -> str:
    where = f" on {_e(one.worker)}" if one.worker else ""
    return (
        '<tr><td class="bad" style="padding:6px 8px;border-left:3px solid #dc2626;background:#fef2f2;font-size:13px;'
        f'overflow-wrap:anywhere"><b>{_e(part(one))}</b> {_e(one.state)}{where}: '
        f"{_e(one.reason) or 'no reason given'}</td></tr>"
    )
