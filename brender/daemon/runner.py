"""Runs INSIDE Blender (`blender -b -Y --factory-startup -P runner.py -- JSON`) or beside the bpy wheel; renders frames.

It knows bpy and the standard library only, nothing of brender. It opens the file itself, so that a broken file, a
missing camera or a wrong name ends with Blender's own reason and an exit code, never with a frame of the default scene.

With `-- serve` instead of JSON it stays: one request a line on stdin, the file kept open between them, and a `done`
event in place of the exit. Its frames are those of a process of their own: what a request may change is set from the
file's own values (the file is opened anew for other overrides), and so is what frames leave behind (`remembers`).
"""

import json
import os
import sys
import time

# Blender runs this file alone and knows no folder of it.
sys.path.append(os.path.dirname(os.path.abspath(__file__)))
from blender_parts import prepare_parts, render_part
from blender_scene import (
    BAD_REQUEST,
    EXTENSIONS,
    RENDER_FAILED,
    Failed,
    apply,
    choose_scene,
    drop_side_outputs,
    follow_stats,
    open_file,
    rate,
    refuse_python,
    remembers,
    render_frame,
    say,
    size,
    words,
)

# Of a request, what may differ while the file stays as it is.
PER_REQUEST = {"request", "frames", "prefix"}
MOST_SOURCES = 2000  # files of a scene that are looked at before every request
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0


def stat_of(path):
    """What tells one content of a file from another; None where there is no file."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


class Opened:
    """The file as one request wants it, ready for frames of any request that wants the same."""

    def __init__(self, bpy, request, stays):
        self.bpy, self.wanted = bpy, wanted(request)
        self.sources = {request["blend"]: stat_of(request["blend"])}  # before it is read: a later change is one
        open_file(bpy, request["blend"])
        if stays:
            self.sources |= {name: stat_of(name) for name in bpy.utils.blend_paths(absolute=True)[:MOST_SOURCES]}
        self.scene = choose_scene(bpy, request)
        refuse_python(self.scene)
        drop_side_outputs(bpy, self.scene)
        self.once = stays and remembers(bpy, self.scene)
        self.format = apply(bpy, self.scene, request)
        if "still" in request:
            prepare_parts(self.scene, request)
        keep = (stays and not self.once) or len(request["frames"]) > 1
        self.scene.render.use_persistent_data = keep
        self.state = {"frame": None, "told": 0.0}
        follow_stats(bpy, self.state)

    def serves(self, request):
        """Whether this request would see the same, opening the file itself."""
        if self.once or self.wanted != wanted(request):
            return False
        return all(stat_of(name) == facts for name, facts in self.sources.items())

    def render(self, request):
        """Every frame in order."""
        for frame in request["frames"]:
            self.state["frame"] = frame
            engine = self.scene.render.engine
            say("begin", frame=frame, engine=engine, blender=self.bpy.app.version_string)
            begun = time.monotonic()
            ending = f"part.{EXTENSIONS[self.format]}"
            if "still" in request:
                part = render_part(self.bpy, self.scene, request, frame, ending)
            else:
                part = render_frame(self.bpy, self.scene, frame, request["prefix"], ending)
            width, height = size(self.scene)
            seconds = round(time.monotonic() - begun, 3)
            facts = {"seconds": seconds, "width": width, "height": height, "format": self.format}
            say("frame", frame=frame, file=part, fps=rate(self.scene), **facts)


def wanted(request):
    """What the file has to be opened with."""
    return {key: value for key, value in request.items() if key not in PER_REQUEST}


def attempt(work):
    """Do it; an exit code, with the reason told when it is not 0."""
    try:
        work()
    except Failed as failure:
        say("failed", text=str(failure))
        return failure.code
    except Exception as error:  # whatever bpy raises must reach `task list`, not only the log
        say("failed", text=f"{type(error).__name__}: {words(error)}")
        return RENDER_FAILED
    return 0


def memory():
    """MiB of memory that this process holds now, 0 where nobody knows."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * PAGE >> 20
    except OSError:
        return 0


def peak(again=False):
    """MiB that this process has held at the most since it was last asked so `again`; 0 where nobody knows."""
    try:
        if again:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")  # the high-water mark goes down to what is held now
        with open("/proc/self/status", "rb") as file:
            return next(int(line.split()[1]) >> 10 for line in file if line.startswith(b"VmHWM"))
    except (OSError, StopIteration):
        return 0


class Service:
    """Requests from stdin, one after another, until its end."""

    def __init__(self, bpy):
        self.bpy, self.opened, self.over = bpy, None, time.monotonic()

    def run(self, lines):
        for place, line in enumerate(lines, 1):
            idle = round(time.monotonic() - self.over, 6)
            try:
                request = json.loads(line)
                name = request["request"]
            except (ValueError, KeyError, TypeError) as error:
                say("failed", text=f"a request that nobody can read: {error!r}")
                return BAD_REQUEST
            peak(again=True)
            say("taken", request=name, place=place, idle=idle)
            code = attempt(lambda request=request: self.render(request))
            self.finish(name, code)
        return 0

    def render(self, request):
        if self.opened is None or not self.opened.serves(request):
            self.close()
            self.opened = Opened(self.bpy, request, True)
        self.opened.render(request)

    def finish(self, name, code):
        if code:
            self.close()
        # After a failed render nobody knows what of Blender is still sound (memory, a GPU's context).
        facts = {"memory_mb": memory(), "peak_mb": peak()}
        say("done", request=name, code=code, **facts, recycle=code == RENDER_FAILED)
        self.over = time.monotonic()

    def close(self):
        """Let go of the file and what its renders kept."""
        if self.opened is not None:
            self.opened.scene.render.use_persistent_data = False
            self.opened = None


def main():
    try:
        text = sys.argv[sys.argv.index("--") + 1]
        request = None if text == "serve" else json.loads(text)
        import bpy
    except (ValueError, IndexError, ImportError) as error:
        say("failed", text=f"the renderer could not start: {error}")
        return BAD_REQUEST
    if request is None:
        return Service(bpy).run(sys.stdin.buffer)
    return attempt(lambda: Opened(bpy, request, False).render(request))


sys.exit(main())
