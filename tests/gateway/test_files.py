"""Frames, movies and uploads through a real gateway: what is finished is shown, and nothing else on the machine is."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from doors.peers import until

from .conftest import Room

PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 100
JPEG = b"\xff\xd8\xff\xe0" + b"thumb" * 20
EXR = b"v/1\x01" + b"light" * 40
MP4 = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 40
SECRET = b"\x89PNG\r\n\x1a\n of somebody else"
BLEND = b"BLENDER-v402" + b"\0" * 5000


class Shots:
    """A job whose frames lie where a worker would have put them; `put` finishes one."""

    def __init__(self, room: Room, folder: Path, name: str) -> None:
        self.folder = folder / name
        (self.folder / ".brender/thumbs").mkdir(parents=True)
        params = {"blend": "/scenes/x.blend", "output": str(self.folder), "pattern": "{job}_###"}
        frames = {"name": "render", "function": "blender", "frames": "1-9", "params": params}
        movie = {"name": "movie", "function": "movie", "params": self.made("out.mp4")}
        sheet = {"name": "sheet", "function": "contact_sheet", "params": {"source": str(self.folder), "pattern": "x_#"}}
        self.name = name
        tree = {"name": "pictures", "workflows": [{"name": name, "tasks": [frames, movie, sheet]}]}
        room.farm.json().call("job.create", json=tree)

    def made(self, name: str) -> dict[str, Any]:
        return {"source": str(self.folder), "pattern": "x_#", "output": str(self.folder / name)}

    def put(self, frame: int, data: bytes = PNG, ending: str = "png", size: int | None = None) -> Path:
        path = self.folder / f"{self.name}_{frame:03d}.{ending}"
        path.write_bytes(data)
        with (self.folder / ".brender/manifest.jsonl").open("a") as manifest:
            line = {"frame": frame, "file": path.name, "bytes": len(data) if size is None else size, "format": "PNG"}
            manifest.write(json.dumps(line) + "\n")
        return path


@pytest.fixture
def shots(room: Room, tmp_path: Path, request: pytest.FixtureRequest) -> Shots:
    return Shots(room, tmp_path, f"shot-{abs(hash(request.node.name)) % 10**9}x")


def test_a_finished_frame_is_shown_and_its_thumbnail_before_it(room: Room, shots: Shots) -> None:
    path = shots.put(3)
    status, headers, body = room.web.get(f"/frame/{shots.name}/render/2")
    assert (status, headers["content-type"], body) == (200, "image/png", PNG)
    assert room.web.get(f"/preview/{shots.name}/render/2")[2] == PNG  # no thumbnail: the frame itself
    (shots.folder / f".brender/thumbs/{path.name}.jpg").write_bytes(JPEG)
    status, headers, body = room.web.get(f"/preview/{shots.name}/render/2")
    assert (status, headers["content-type"], body) == (200, "image/jpeg", JPEG)
    assert room.web.get(f"/preview/{shots.name}/render/2", If_None_Match=headers["etag"])[0] == 304


def test_ids_name_a_job_and_a_step_as_well(room: Room, shots: Shots) -> None:
    shots.put(1)
    job = room.farm.json().call("job.show", job=shots.name)
    assert room.web.get(f"/frame/{job['id']}/{job['steps'][0]['id']}/0")[2] == PNG


def test_what_browsers_do_not_show_is_saved_and_has_no_preview_without_a_thumbnail(room: Room, shots: Shots) -> None:
    shots.put(1, EXR, "exr")
    status, headers, _ = room.web.get(f"/frame/{shots.name}/render/0")
    assert (status, headers["content-disposition"].partition(";")[0]) == (200, "attachment")
    assert room.web.get(f"/preview/{shots.name}/render/0")[0] == 404


def test_what_is_not_finished_is_not_there(room: Room, shots: Shots) -> None:
    (shots.folder / f"{shots.name}_001.png").write_bytes(PNG)  # a file of that name proves nothing
    assert room.web.get(f"/frame/{shots.name}/render/0")[0] == 404
    shots.put(2, PNG, size=len(PNG) + 1)  # it is being written anew
    assert room.web.get(f"/frame/{shots.name}/render/1")[0] == 404
    assert room.web.get(f"/frame/{shots.name}/render/8")[0] == 404
    assert room.web.get(f"/frame/{shots.name}/render/9")[0] == 404  # no such task


def test_a_link_in_the_place_of_a_frame_leads_nowhere(room: Room, shots: Shots, tmp_path: Path) -> None:
    """CONTRACT S18: a renderer that makes its frame a link to somebody else's file."""
    (tmp_path / "secret.png").write_bytes(SECRET)
    path = shots.put(1, SECRET)
    path.unlink()
    path.symlink_to(tmp_path / "secret.png")
    assert room.web.get(f"/frame/{shots.name}/render/0")[0] == 404
    thumb = shots.folder / f".brender/thumbs/{shots.put(2).name}.jpg"
    thumb.symlink_to(tmp_path / "secret.png")
    assert room.web.get(f"/preview/{shots.name}/render/1")[2] == PNG


@pytest.mark.parametrize("planted", [".brender", ".brender/thumbs", ".brender/manifest.jsonl", ""])
def test_a_link_in_the_place_of_a_folder_leads_nowhere(room: Room, shots: Shots, tmp_path: Path, planted: str) -> None:
    shots.put(1)
    (shots.folder / f".brender/thumbs/{shots.name}_001.png.jpg").write_bytes(JPEG)
    place = shots.folder / planted
    place.rename(tmp_path / "elsewhere")
    place.symlink_to(tmp_path / "elsewhere")
    body = room.web.get(f"/preview/{shots.name}/render/0")[2]
    assert body == PNG if planted == ".brender/thumbs" else b"not finished" in body or b"cannot be opened" in body


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
def test_what_is_no_file_is_never_opened_for_long(room: Room, shots: Shots, kind: str) -> None:
    path = shots.put(1)
    path.unlink()
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    assert room.web.get(f"/frame/{shots.name}/render/0")[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/frame/{name}/render/..%2f..%2fetc%2fpasswd",
        "/frame/{name}/../../0",
        "/frame/{name}%2frender/x/0",
        "/frame/..%2f..%2fetc/passwd/0",
        "/frame/{name}/render/-1",
        "/frame/{name}/render/0?frame=../x",
        "/frame/{name}/movie/0",
        "/movie/..%2f{name}",
        "/movie/{name}?step=../../etc",
        "/sheet/{name}",
    ],
)
def test_a_path_of_a_page_leads_to_nothing_but_that_steps_files(room: Room, shots: Shots, path: str) -> None:
    shots.put(1)
    (shots.folder / "out.mp4").write_bytes(MP4)
    assert room.web.get(path.format(name=shots.name))[0] in (400, 404)


def test_a_step_shows_no_file_of_another_job_in_the_same_folder(room: Room, shots: Shots) -> None:
    """The manifest of a folder may list frames of several steps: only those of this step's name are its own."""
    path = shots.put(1)
    path.rename(shots.folder / "other-job_001.png")
    line = {"frame": 1, "file": "other-job_001.png", "bytes": len(PNG)}
    with (shots.folder / ".brender/manifest.jsonl").open("a") as manifest:
        manifest.write(json.dumps(line) + "\n")
    assert room.web.get(f"/frame/{shots.name}/render/0")[0] == 404


def test_a_movie_step_that_names_another_file_shows_nothing(room: Room, tmp_path: Path) -> None:
    """Its output is a word of whoever submits: what is no movie is not sent, whatever its name."""
    (tmp_path / "passwd.mp4").write_text("root:x:0:0")
    for name, output in (
        ("evil-a", "/etc/passwd"),
        ("evil-b", str(tmp_path / "passwd.mp4")),
        ("evil-c", "/proc/self/mem"),
    ):
        params = {"source": "/frames", "pattern": "x_#", "output": output}
        step = {"name": "movie", "function": "movie", "params": params}
        tree = {"name": "evil", "workflows": [{"name": name, "tasks": [step]}]}
        room.farm.json().call("job.create", json=tree)
        assert room.web.get(f"/movie/{name}")[0] == 404


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-99", 206, MP4[:100]),
        ("bytes=100-", 206, MP4[100:]),
        ("bytes=-50", 206, MP4[-50:]),
        ("bytes=5000-5000", 206, MP4[5000:5001]),
        ("bytes=999999-", 416, None),
        ("bytes=x", 400, None),
        ("", 200, MP4),
    ],
)
def test_a_movie_is_sent_by_ranges(room: Room, shots: Shots, asked: str, status: int, part: bytes | None) -> None:
    """A browser seeks in it."""
    (shots.folder / "out.mp4").write_bytes(MP4)
    given = {"Range": asked} if asked else {}
    found, headers, body = room.web.get(f"/movie/{shots.name}", **given)
    assert found == status
    assert part is None or (body == part and headers["content-type"] == "video/mp4")
    assert headers.get("accept-ranges") == "bytes" or part is None


def test_a_gateway_that_is_given_folders_shows_no_others(room: Room, shots: Shots, tmp_path: Path) -> None:
    from .peers import Web

    shots.put(1)
    for root, status in ((tmp_path, 200), (tmp_path / "other", 403)):
        other = Web(tmp_path, room.farm.port, "--outputs", str(root))
        try:
            seen = until_master(other, f"/frame/{shots.name}/render/0")
        finally:
            other.program.end()
        assert seen == status


def until_master(web: Any, path: str) -> int:
    """The status of a path once the gateway has found its master."""
    page = web.page()
    page.state(True)
    page.close()
    return int(web.get(path)[0])


def test_no_file_stays_open(room: Room, shots: Shots) -> None:
    shots.put(1)
    folder = f"/proc/{room.web.program.process.pid}/fd"
    room.web.get(f"/frame/{shots.name}/render/0")
    before = len(os.listdir(folder))
    for _ in range(20):
        room.web.get(f"/frame/{shots.name}/render/0")
        room.web.get(f"/frame/{shots.name}/render/7")
        room.web.get(f"/preview/{shots.name}/render/0")
    until(lambda: len(os.listdir(folder)) <= before, "no more open files than before")


# ---- uploads


def post(room: Room, name: str, body: bytes = BLEND, **more: str) -> tuple[int, dict[str, Any]]:
    status, _, answer = room.web.request("POST", f"/upload?name={name}", body, Origin=room.web.origin, **more)
    return status, json.loads(answer)


def test_an_uploaded_file_is_there_whole_and_its_path_is_told(room: Room) -> None:
    status, answer = post(room, "my%20scene.blend")
    assert status == 201
    path = Path(answer["path"])
    assert (path.name, path.read_bytes(), answer["bytes"]) == ("my scene.blend", BLEND, len(BLEND))
    assert path.is_relative_to(room.farm.folder / "web/uploads")
    again = post(room, "my%20scene.blend", BLEND + b"other")[1]["path"]
    assert again != str(path) and path.read_bytes() == BLEND


@pytest.mark.parametrize(
    "name",
    ["", "x", "x.txt", ".blend", ".x.blend", "..%2fx.blend", "%2fetc%2fx.blend", "a%00b.blend", "a%0ab.blend",
     "x" * 201 + ".blend", "..%5cx.blend", "x.blend%2f", "%C3%A9" * 121 + ".blend"],
)  # fmt: skip
def test_a_name_that_is_none_is_refused(room: Room, name: str) -> None:
    assert post(room, name)[0] == 400


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 415), (b"BLEND", 415), (b"#!/bin/sh\n" * 5, 415), (b"\x1f\x8b" * 9, 201)]
)
def test_only_what_begins_as_a_blend_is_kept(room: Room, body: bytes, status: int) -> None:
    assert post(room, "x.blend", body)[0] == status


def test_too_much_is_refused_before_and_while_it_comes(room: Room) -> None:
    link = socket.create_connection(("127.0.0.1", room.web.port), 10)
    head = f"POST /upload?name=x.blend HTTP/1.1\r\nHost: 127.0.0.1:{room.web.port}\r\nOrigin: {room.web.origin}\r\n"
    link.sendall((head + f"Content-Length: {1 << 50}\r\n\r\n").encode())
    assert b" 413 " in link.makefile("rb").readline()
    link.close()


def test_an_upload_that_breaks_off_leaves_nothing(room: Room) -> None:
    folder = room.farm.folder / "web/uploads"
    post(room, "first.blend")
    before = files(folder, ".blend")
    link = socket.create_connection(("127.0.0.1", room.web.port), 10)
    head = f"POST /upload?name=half.blend HTTP/1.1\r\nHost: 127.0.0.1:{room.web.port}\r\nOrigin: {room.web.origin}\r\n"
    link.sendall((head + f"Content-Length: {2 << 20}\r\n\r\n").encode() + BLEND * 100)
    until_part(folder, True)
    link.close()
    until_part(folder, False)
    assert files(folder, ".blend") == before


def files(folder: Path, ending: str) -> list[str]:
    """Names below a folder. A folder that is taken away meanwhile has none."""
    return sorted(name for _, _, names in os.walk(folder) for name in names if name.endswith(ending))


def until_part(folder: Path, there: bool) -> None:
    until(lambda: bool(files(folder, ".part")) == there, f"an unfinished file is there: {there}")


# ---- metrics


def test_prometheus_reads_the_farm(room: Room) -> None:
    from prometheus_client.parser import text_string_to_metric_families as families

    room.page().state(True)
    status, headers, body = room.web.get("/metrics")
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/plain")
    found = {sample.name: sample for family in families(body.decode()) for sample in family.samples}
    assert found["brender_up"].value == 1
    assert found["brender_slots"].labels["is"] in ("total", "used")
    assert {"brender_workers", "brender_hub_late_seconds", "brender_commits_total", "brender_sessions"} <= found.keys()
    assert found["brender_web_pages"].value >= 1


def test_prometheus_reads_the_channels_that_log_and_how_many_do_not(room: Room) -> None:
    """Issue 5, 8: a value that is no longer measured is told by nobody, however good it once was."""
    from prometheus_client.parser import text_string_to_metric_families as families

    def told() -> dict[str, float]:
        body = room.web.get("/metrics")[2].decode()
        samples = [sample for family in families(body) for sample in family.samples]
        found = {sample.labels["channel"]: sample.value for sample in samples if sample.name == "brender_channel"}
        return found | {s.labels["state"]: s.value for s in samples if s.name == "brender_channels"}

    peer = room.farm.json()
    names = ["goes on", 'stops "here"\\']
    peer.call("channel.add", channels=[{"name": name, "type": "easy"} for name in names])
    until(lambda: told().keys() >= set(names), "both have values")
    before = told()
    assert all(-10 <= before[name] <= 10 for name in names)
    peer.call("channel.stop", channels=[names[1]])
    after = until(lambda: names[1] not in (found := told()) and found, "what is stopped is not told")
    assert names[0] in after
    assert (after["stopped"], after["logging"]) == (1, before["logging"] - 1)
    peer.call("channel.delete", channels=names)
