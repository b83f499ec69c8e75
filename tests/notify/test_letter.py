"""Letters as they are made: what is foreign stays harmless, pictures are parts of the letter, nothing is loaded."""

from __future__ import annotations

import os
import re
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brender.notify import letter
from brender.notify.credentials import Credentials
from brender.notify.page import DARK, page

CREDENTIALS = Credentials("farm@example.org", ["anna@example.org"], server="127.0.0.1", port=25)
# The smallest picture that is a JPEG by its first and last bytes; nobody decodes it here.
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 64 + b"\xff\xd9"


def record(text: str = "a line", level: str = "INFO", **more: Any) -> dict[str, Any]:
    return {
        "at": 1_700_000_000.0,
        "host": "nas",
        "mac": "0200000000aa",
        "level": level,
        "text": text,
        "data": {},
        **more,
    }


def delivery(*records: dict[str, Any], **more: Any) -> dict[str, Any]:
    made = {"id": 7, "message_id": "7.1", "logger": "farm", "level": "INFO", "schedule": "DAILY", "created_at": 1.7e9}
    return {**made, "records": list(records) or [record()], "done": [], "refused": {}, "sinks": [], **more}


def job(output: str, **more: Any) -> dict[str, Any]:
    failure = {
        "step": "render",
        "task": 7,
        "frames": "8",
        "state": "error13",
        "reason": "no <camera>",
        "worker": "render-01",
    }
    made = {
        "kind": "job",
        "job": 1,
        "name": "film/shot",
        "state": "error",
        "run": 1,
        "done": 29,
        "failed": 1,
        "total": 30,
    }
    return {**made, "seconds": 754.2, "submitter": "anna", "failures": [failure], "outputs": [output], **more}


def made(one: dict[str, Any]) -> EmailMessage:
    """The letter as a reader gets it."""
    found = BytesParser(policy=policy.default).parsebytes(letter.of(one, CREDENTIALS, ["anna@example.org"]).as_bytes())
    assert isinstance(found, EmailMessage)
    return found


def html(found: EmailMessage) -> str:
    body = found.get_body(("html",))
    assert body is not None
    return str(body.get_content())


@given(st.text(max_size=300), st.text(max_size=40), st.text(min_size=1, max_size=40))
def test_no_foreign_text_breaks_out_of_a_letter(text: str, host: str, logger: str) -> None:
    """Headers are one line each, tags are ours, control characters do not reach a terminal that shows it."""
    found = made(delivery(record(text, host=host), logger=logger))
    assert len(found["subject"]) <= letter.SUBJECT
    assert set(found.keys()) <= {
        "Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "List-Id", "X-Brender-Level",
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
    }  # fmt: skip
    tags: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.add(tag)  # type: ignore[method-assign]
    parser.feed(html(found))
    ours = {"html", "head", "meta", "title", "style", "body", "table", "tr", "td", "div", "span", "br", "b", "a", "img"}
    assert tags <= ours
    assert html(found).count("<style>") == 1 and html(found).split("<style>")[1].startswith(f"{DARK}</style>")
    plain = found.get_body(("plain",))
    assert plain is not None
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", plain.get_content())


def test_a_finished_job_shows_its_newest_picture_inside_the_letter_and_links_to_its_folder(tmp_path: Path) -> None:
    thumbs = tmp_path / "out put" / ".brender" / "thumbs"
    thumbs.mkdir(parents=True)
    for frame in (1, 30):
        (thumbs / f"shot_{frame:04}.png.jpg").write_bytes(JPEG)
    found = made(delivery(record("Job film/shot is finished.", data=job(str(tmp_path / "out put")))))
    (image,) = [part for part in found.walk() if part.get_content_type() == "image/jpeg"]
    assert image.get_content() == JPEG
    assert image.get_filename() == "shot_0030.png.jpg"
    assert f'src="cid:{image["content-id"][1:-1]}"' in html(found)
    assert f'href="file://{tmp_path}/out%20put"' in html(found)
    assert "render, frame 8: error13 on render-01: no <camera>" in letter.text(delivery(record(data=job("/x"))))
    assert "no &lt;camera&gt;" in html(found)
    assert not re.search(r"https?:|url\(|<script|<link", html(found))


def test_a_letter_links_to_the_job_on_the_farms_page_where_its_place_is_known(tmp_path: Path) -> None:
    """A link to a file leads nowhere in most readers of mail."""
    site = Credentials("farm@example.org", ["anna@example.org"], server="127.0.0.1", port=25, page="http://farm:8060")
    one = delivery(record("Job film/shot is finished.", data=job(str(tmp_path))))
    sent = BytesParser(policy=policy.default).parsebytes(letter.of(one, site, ["anna@example.org"]).as_bytes())
    assert isinstance(sent, EmailMessage)
    assert 'href="http://farm:8060/#/jobs/1"' in html(sent)
    assert "see: http://farm:8060/#/jobs/1" in letter.text(one, site.page)


@pytest.mark.parametrize("data", [
    {"kind": "job"}, {"kind": ["job"]}, {"runbook": 7}, {"outputs": [3]}, job("/x", done="many"),
    job("/x", outputs=[3]), job("/x", failures=[{}]), job("/x", seconds="long"), job("/x", name=None),
])  # fmt: skip
def test_what_anybody_may_write_beside_a_line_stops_no_letter(data: dict[str, Any]) -> None:
    """`log.write` takes any data: what is not the end of a job is a plain line."""
    one = delivery(record("a line", data=data))
    assert "a line" in html(made(one)) and "a line" in letter.text(one)


def test_only_small_plain_files_of_brender_are_taken_for_pictures(tmp_path: Path) -> None:
    thumbs = tmp_path / ".brender" / "thumbs"
    thumbs.mkdir(parents=True)
    (tmp_path / "secret").write_bytes(JPEG)
    (thumbs / "link.jpg").symlink_to(tmp_path / "secret")
    (thumbs / "huge.jpg").write_bytes(b"x" * (letter.PICTURE_BYTES + 1))
    (thumbs / "empty.jpg").touch()
    (thumbs / "folder.jpg").mkdir()
    for output in (str(tmp_path), "relative", "/nowhere", "//host/share"):
        assert letter.thumbnails(delivery(record(data=job(output)))) == []


def test_a_job_without_a_finished_frame_shows_no_old_picture(tmp_path: Path) -> None:
    thumbs = tmp_path / ".brender" / "thumbs"
    thumbs.mkdir(parents=True)
    (thumbs / "old.png.jpg").write_bytes(JPEG)
    assert letter.thumbnails(delivery(record(data=job(str(tmp_path), done=0)))) == []


def test_the_subject_names_one_machine_or_how_many() -> None:
    """RM-44."""
    assert letter.subject(delivery()) == "[farm] nas (0200000000aa) daily - INFO: a line"
    several = delivery(record(), record("the last", host="other", mac=""), schedule="INSTANTANEOUSLY")
    assert letter.subject(several) == "[farm] 2 machines at once - INFO: 2 lines, the last: the last"


def test_a_letter_says_what_it_is_and_how_to_have_it_more_rarely() -> None:
    """The way out of a daily digest is no daily digest."""
    for schedule, kind, rarer in (
        ("INSTANTANEOUSLY", "At once, 1 line", "DAILY"),
        ("HOURLY", "Hourly digest, 1 line", "DAILY"),
        ("DAILY", "Daily digest, 1 line", "WEEKLY"),
        ("WEEKLY", "Weekly digest, 1 line", "SILENTLY"),
    ):
        made = delivery(record(), schedule=schedule)
        html = page(made, [])
        assert kind in html and f"log config farm INFO {rarer}<" in html
        assert letter.text(made).endswith(f"log config farm INFO {rarer}\n")


def test_a_dark_reader_has_a_dark_letter() -> None:
    html = page(delivery(record()), [])
    assert 'content="light dark"' in html and "prefers-color-scheme: dark" in html
    assert "http" not in html.split("</style>")[0]


def test_the_picture_is_the_newest_and_not_one_of_an_older_job(tmp_path: Path) -> None:
    """Two jobs may render into one folder: the last frame by name is the older one's."""
    thumbs = tmp_path / ".brender" / "thumbs"
    thumbs.mkdir(parents=True)
    for frame, at in ((30, 1000), (2, 2000)):
        (thumbs / f"shot_{frame:04}.png.jpg").write_bytes(JPEG)
        os.utime(thumbs / f"shot_{frame:04}.png.jpg", (at, at))
    found = letter.thumbnails(delivery(record(data=job(str(tmp_path)))))
    assert [path.name for path in found] == ["shot_0002.png.jpg"]
