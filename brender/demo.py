"""`brender demo`: a farm on this machine renders a real animation while you watch, and leaves frames and a movie.

Everything goes through the front door: `brender up` starts the farm, JSON lines on its port submit and follow the job.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from brender import address, web
from brender.caller import NoMaster, conversation
from brender.daemon import frames as farm_frames
from brender.errors import BrenderError, Busy, Invalid, Unsupported
from brender.pictures.movie import encode
from brender.render import Wish, submit, told
from brender.watch import succeeded, watch

SCENE = Path(__file__).parent / "scenes" / "orrery.py"
PATIENCE = 120.0  # seconds for the farm to answer, on a machine that has other things to do


def parser() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="brender demo", description="Render an animation on a farm of this machine.")
    words.add_argument("--blend", type=Path, metavar="FILE", help="your own scene instead of ours")
    words.add_argument("--frames", default="1-24", help="which frames, default 1-24")
    words.add_argument("--data", type=Path, default=Path("demo-farm"), metavar="DIR", help="default ./demo-farm")
    words.add_argument("--output", type=Path, metavar="DIR", help="where the frames go, default DATA/frames")
    words.add_argument("--slots", type=int, default=2, help="frames at a time, default 2")
    words.add_argument("--listen", metavar="HOST:PORT", help="the master's address, default port 6000 or a free one")
    words.add_argument("--engine", help="CYCLES, BLENDER_EEVEE or BLENDER_WORKBENCH, default the scene's own")
    words.add_argument("--percentage", type=int, help="of the scene's resolution")
    words.add_argument("--samples", type=int, help="samples a pixel, default the scene's own")
    words.add_argument("--stop", action="store_true", help="stop the farm at the end, also at a terminal")
    return words


def main(argv: list[str] | None = None) -> int:
    """Render; returns 0 when every frame was rendered. At a terminal the farm stays up until Ctrl-C."""
    options = parser().parse_args(argv)
    farm: subprocess.Popen[bytes] | None = None
    try:
        data = options.data.absolute()
        data.mkdir(parents=True, exist_ok=True)
        blend = options.blend.absolute() if options.blend else _make_scene(data)
        if not blend.is_file():
            raise Invalid(f"There is no file {blend}.", hint="Give the path of a .blend with --blend.")
        listen = options.listen or f"127.0.0.1:{_free_port()}"
        page = web.chosen(True)
        farm = _start_farm(data, listen, page, options.slots)
        return _render(options, data, blend, listen, page, farm)
    except BrenderError as error:
        print(f"brender demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopping the farm.")
        return 130
    finally:
        if farm is not None:
            farm.terminate()
            farm.wait()


def _make_scene(data: Path) -> Path:
    """Build the demo scene with the Blender that will render it."""
    program = farm_frames.find_program()
    if program is None:
        raise Unsupported(
            "There is no Blender here: neither `blender` on PATH nor the bpy package.",
            hint="Install Blender, or run make demo, which does.",
        )
    blend = data / "orrery.blend"
    print(f"Building the scene with {program.path} …", flush=True)
    start = [program.path, "-b", "-Y", "--factory-startup", "--python-exit-code", "9", "-P", str(SCENE)]
    words = start if program.kind == "blender" else [program.path, str(SCENE)]
    done = subprocess.run([*words, "--", str(blend)], capture_output=True, text=True, check=False)
    if done.returncode or not blend.is_file():
        raise Unsupported(f"The scene could not be built: {(done.stderr or done.stdout).strip()[-400:]}")
    return blend


def _start_farm(data: Path, listen: str, page: str, slots: int) -> subprocess.Popen[bytes]:
    print(f"Starting a farm at {listen}: one master, one worker of {slots} slots, and its page …", flush=True)
    words = [sys.executable, "-m", "brender.cli", "up", "--listen", listen, "--web", page, "--data", str(data / "farm")]
    with (data / "farm.log").open("ab") as log:
        farm = subprocess.Popen([*words, "--slots", str(slots)], stdout=log, stderr=log, start_new_session=True)
    until = time.monotonic() + PATIENCE
    while True:
        try:
            if next(conversation(listen, "farm.status", {}))["workers"].get("online"):
                return farm
        except NoMaster:
            pass
        if farm.poll() is not None or time.monotonic() > until:
            farm.kill()
            raise Busy(f"The farm at {listen} did not start.", hint=f"See {data / 'farm.log'}.")
        time.sleep(0.1)


def _render(
    options: argparse.Namespace, data: Path, blend: Path, listen: str, page: str, farm: subprocess.Popen[bytes]
) -> int:
    output = (options.output or data / "frames").absolute()
    given = {"engine": options.engine, "percentage": options.percentage, "samples": options.samples}
    overrides = {"format": "PNG"} | {key: value for key, value in given.items() if value is not None}
    started = time.monotonic()
    job = submit(listen, Wish(blend, options.frames, output, overrides, "demo"))
    print(f"Watch it in a browser, too: http://{page}/#/jobs/{job['id']}", flush=True)
    status = watch(listen, {"job": job["id"]})
    took, done = time.monotonic() - started, status["progress"]["done"]
    print(f"{took:.1f} s, {took / max(done, 1):.2f} s a frame on {options.slots} slots.")
    print("\n".join(told(listen, job, status, output)))
    if succeeded(status):
        print(f"Movie:  {encode(output, data / f'{blend.stem}.mp4')}")
    host, port = address.parse(listen)
    print(f"Page:   http://{page}/#/jobs/{job['id']}")
    print(f"Prompt: telnet {host} {port}\nCLI:    brender job status {job['id']} --master {listen}", flush=True)
    if sys.stdout.isatty() and not options.stop:
        print("The farm is still up; Ctrl-C stops it.", flush=True)
        farm.wait()
    return 0 if succeeded(status) else 1


def _free_port() -> int:
    """Port 6000 if it is free, else any free one."""
    for port in (6000, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Busy("No port is free.", hint=f"Name one with --listen; {os.cpu_count()} cores are waiting.")


if __name__ == "__main__":
    sys.exit(main())
