"""What is done to a scene inside Blender: open its file, make it safe, apply a job's overrides, render a frame of it.

Imported by runner.py, inside Blender or beside the bpy wheel: the standard library only, nothing of brender, and bpy
is an argument. It knows nothing of requests beyond the overrides in them.

What keeps Python in a .blend from running: -Y and use_scripts=False (registered texts, Python drivers, handlers),
factory settings (no user add-ons), the preference switched off again here, and Freestyle layers in script mode refused,
because Freestyle runs its texts even with auto-run off. What remains: a file may name other files that Blender then
reads (textures, libraries), and Blender's C parsers are only as safe as Blender: the worker's sandbox is for that.
"""

import ctypes
import json
import os
import sys
import time

# Exit codes the daemon may rely on; the sentence in the `failed` event is for people.
BAD_REQUEST, BAD_FILE, NO_CAMERA, BAD_NAME, RENDER_FAILED, REFUSED = 2, 3, 4, 5, 6, 7
EXTENSIONS = {"PNG": "png", "JPEG": "jpg", "TIFF": "tif", "OPEN_EXR": "exr", "OPEN_EXR_MULTILAYER": "exr"}
FLOAT_FORMATS = {"HDR", "CINEON", "DPX"}
MOVIES = {"FFMPEG", "AVI_JPEG", "AVI_RAW"}
EEVEES = {"BLENDER_EEVEE", "BLENDER_EEVEE_NEXT"}
LIBC = ctypes.CDLL(None) if os.name == "posix" else None


class Failed(Exception):
    """The run is over: an exit code and a reason in words."""

    def __init__(self, code, reason):
        super().__init__(reason)
        self.code = code


def say(event, **facts):
    """One machine-readable line; ASCII JSON, so that no name in a .blend can break or fake a line."""
    if LIBC is not None:
        LIBC.fflush(None)  # Blender's C code has a buffer of its own: what it said before must come before
    sys.stdout.write("brender: " + json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


def words(error):
    """Blender's own reason out of a RuntimeError: first line that says something, without «Error: »."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    first = next((line for line in lines if line.startswith("Error")), lines[0] if lines else repr(error))
    return first.removeprefix("Error:").strip() or repr(error)


def open_file(bpy, path):
    """Load the .blend with scripts off and without its window layout."""
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    try:
        done = bpy.ops.wm.open_mainfile(filepath=path, use_scripts=False, load_ui=False, display_file_selector=False)
    except RuntimeError as error:
        raise Failed(BAD_FILE, words(error)) from None
    if "FINISHED" not in done or not os.path.samefile(bpy.data.filepath or os.devnull, path):
        raise Failed(BAD_FILE, f"Blender did not open {path!r}")
    if bpy.app.autoexec_fail:
        say("notice", text=f"scripts in the file were not run: {bpy.app.autoexec_fail_message}")
    missing = [name for name in bpy.utils.blend_paths(absolute=True) if not found(name)]
    for name in missing[:20]:
        say("notice", text=f"the file needs {name!r}, which is not on this machine")
    if len(missing) > 20:
        say("notice", text=f"and {len(missing) - 20} more missing files")


def found(name):
    # UDIM tiles and image sequences are named by a pattern, so only their folder can be looked up.
    patterned = "<UDIM>" in name or "<UVTILE>" in name or "#" in name
    return os.path.exists(os.path.dirname(name) if patterned else name)


def choose_scene(bpy, request):
    """The scene to render, with the wanted camera and of its view layers the wanted one."""
    scene = bpy.context.scene
    if "scene" in request:
        scene = bpy.data.scenes.get(request["scene"])
        if scene is None:
            names = ", ".join(sorted(one.name for one in bpy.data.scenes)[:10])
            raise Failed(BAD_NAME, f"no scene {request['scene']!r} in the file; it has: {names}")
    if "camera" in request:
        camera = scene.objects.get(request["camera"])
        if camera is None or camera.type != "CAMERA":
            names = ", ".join(sorted(one.name for one in scene.objects if one.type == "CAMERA")[:10]) or "none"
            raise Failed(BAD_NAME, f"no camera {request['camera']!r} in scene {scene.name!r}; it has: {names}")
        scene.camera = camera
        # A marker bound to another camera would switch away from the chosen one at its frame.
        for marker in scene.timeline_markers:
            marker.camera = None
    if "view_layer" in request:
        choose_layer(scene, request["view_layer"])
    return scene


def choose_layer(scene, name):
    """Only this layer is rendered, whether the file has it switched on or not."""
    if name not in scene.view_layers:
        names = ", ".join(sorted(layer.name for layer in scene.view_layers)[:10])
        raise Failed(BAD_NAME, f"no view layer {name!r} in scene {scene.name!r}; it has: {names}")
    for layer in scene.view_layers:
        layer.use = layer.name == name


def refuse_python(scene):
    """Freestyle in script mode executes text blocks of the file whatever -Y says: no frame from such a scene."""
    for layer in scene.view_layers if scene.render.use_freestyle else ():
        modules = layer.freestyle_settings.modules
        if layer.freestyle_settings.mode == "SCRIPT" and len(modules):
            raise Failed(REFUSED, f"view layer {layer.name!r} runs Python through Freestyle, which brender never does")


def drop_side_outputs(bpy, scene):
    """File Output nodes would write past the part name, unchecked, wherever the file says: take them out."""
    trees = [
        getattr(scene, "compositing_node_group", None) or getattr(scene, "node_tree", None),
        *bpy.data.node_groups,
    ]
    dropped = 0
    for tree in trees:
        for node in list(tree.nodes) if tree is not None else ():
            if node.type == "OUTPUT_FILE":
                tree.nodes.remove(node)
                dropped += 1
    if dropped:
        say("notice", text=f"{dropped} File Output nodes are left out: brender publishes the frame itself")


def choose_format(scene, request):
    """Set a format that can be checked; a movie becomes PNG frames, for a farm renders frames."""
    wanted = request.get("format")
    image = scene.render.image_settings
    now = image.file_format
    chosen = wanted or (now if now in EXTENSIONS else "OPEN_EXR" if now in FLOAT_FORMATS else "PNG")
    if not wanted and chosen != now:
        kind = "a movie" if now in MOVIES else now
        say("notice", text=f"the file asks for {kind}; it is rendered as {chosen} frames")
    if chosen != now:
        if hasattr(image, "media_type"):  # 5.0 offers only the formats of the chosen media type
            image.media_type = "MULTI_LAYER_IMAGE" if chosen == "OPEN_EXR_MULTILAYER" else "IMAGE"
        image.file_format = chosen
    if "color_depth" in request:
        try:
            image.color_depth = str(request["color_depth"])
        except TypeError:
            raise Failed(BAD_NAME, f"{chosen} has no color depth of {request['color_depth']} bits") from None
    if "quality" in request:
        image.quality = request["quality"]
    scene.render.use_file_extension = False
    if scene.render.use_multiview:
        scene.render.use_multiview = False
        say("notice", text="stereo views are off: one frame is one file")
    return chosen


def choose_engine(bpy, scene, wanted):
    """EEVEE has been called three ways; everything else is set as asked. A missing engine is Blender's reason."""
    names = [wanted, *sorted(EEVEES - {wanted})] if wanted in EEVEES else [wanted]
    for name in names:
        try:
            scene.render.engine = name
            return
        except TypeError as error:
            reason = error
    raise Failed(BAD_NAME, f"this Blender ({bpy.app.version_string}) has no engine {wanted}: {words(reason)}")


def apply(bpy, scene, request):
    """Overrides of the job, and what the farm needs; returns the format of the frames."""
    render = scene.render
    if "engine" in request:
        choose_engine(bpy, scene, request["engine"])
    for key, name in (("percentage", "resolution_percentage"), ("resolution_x",) * 2, ("resolution_y",) * 2):
        if key in request:
            setattr(render, name, request[key])
    if "samples" in request:
        if render.engine == "CYCLES":
            scene.cycles.samples = request["samples"]
        elif render.engine in EEVEES:
            scene.eevee.taa_render_samples = request["samples"]
    if "denoise" in request and render.engine == "CYCLES":
        scene.cycles.use_denoising = request["denoise"]
    if request.get("threads"):
        render.threads_mode = "FIXED"
        render.threads = request["threads"]
    render.use_overwrite = True
    render.use_placeholder = False
    if render.engine == "CYCLES" and scene.cycles.use_denoising:
        import _cycles

        # Debian's Blender lacks the denoiser and Cycles then fails the frame; a noisier frame is the better answer.
        if not _cycles.with_openimagedenoise:
            scene.cycles.use_denoising = False
            say("notice", text="this Blender is built without OpenImageDenoise: frames are not denoised")
    return choose_format(scene, request)


def size(scene):
    """Expected (width, height) in pixels; (0, 0) when a cropped border makes it Blender's own rounding."""
    render = scene.render
    return (0, 0) if render.use_border and render.use_crop_to_border else whole_size(render)


def rate(scene):
    """Frames a second of the scene: 29.97 is 30 by 1.001 here."""
    return round(scene.render.fps / scene.render.fps_base, 4)


def whole_size(render):
    """(width, height) in pixels of the picture without any border, as Blender rounds it."""
    return tuple(int(side * render.resolution_percentage / 100) for side in (render.resolution_x, render.resolution_y))


def literal(bpy, path):
    """A file name that Blender takes as it is: since 5.0 braces in render paths are templates."""
    return path.replace("{", "{{").replace("}", "}}") if bpy.app.version >= (5, 0, 0) else path


def render_frame(bpy, scene, frame, prefix, ending):
    """One frame into `<prefix>.<frame>.<ending>`, whose path is returned; Failed with Blender's reason."""
    part = f"{prefix}.{frame}.{ending}"
    render_to(bpy, scene, frame, part, f"{prefix}.#.{ending}")
    return part


def render_to(bpy, scene, frame, file, pattern):
    """One frame into `file`, which is what `pattern` is called at that frame; Failed with Blender's reason."""
    try:
        done = animate(bpy, scene, frame, pattern) if frame >= 0 else still(bpy, scene, frame, file)
    except RuntimeError as error:
        reason = words(error)
        raise Failed(NO_CAMERA if "no camera" in reason.lower() else RENDER_FAILED, reason) from None
    if "FINISHED" not in done:
        raise Failed(RENDER_FAILED, f"Blender cancelled frame {frame}")
    if not os.path.isfile(file):
        raise Failed(RENDER_FAILED, f"Blender said frame {frame} is finished but wrote no file")


def animate(bpy, scene, frame, path):
    """As `blender -f` does it: the scene in memory stays as the file has it, each frame is evaluated from there.

    After frame_set the last bits of a constrained camera can differ, and with them pixels.
    """
    scene.frame_start = frame  # takes the end along when that is lower
    scene.frame_end = frame
    scene.render.filepath = literal(bpy, path)
    return bpy.ops.render.render(animation=True, scene=scene.name)


def still(bpy, scene, frame, path):
    """For frames below 0, which no animation may hold."""
    scene.frame_set(frame)
    scene.render.filepath = literal(bpy, path)
    return bpy.ops.render.render(write_still=True, scene=scene.name)


def follow_stats(bpy, state):
    """Since 5.0 Blender keeps its statistics out of the log; pass them on, four a second at most."""

    def stats(text, _depsgraph=None):
        now = time.monotonic()
        if isinstance(text, str) and now - state["told"] >= 0.25:
            state["told"] = now
            say("stats", frame=state["frame"], text=text)

    bpy.app.handlers.render_stats.append(stats)


def remembers(bpy, scene):
    """Whether a frame depends on the frames rendered before it: unbaked physics, strips that let go of a value."""
    world = scene.rigidbody_world
    if world is not None and not world.point_cache.is_baked:
        return True
    for thing in bpy.data.objects:
        if any(
            system.settings.type == "EMITTER" and not system.point_cache.is_baked for system in thing.particle_systems
        ):
            return True
        if any(simulates(modifier) for modifier in thing.modifiers):
            return True
    if any(node.bl_idname == "GeometryNodeSimulationOutput" for group in bpy.data.node_groups for node in group.nodes):
        return True
    owners = (one for kind in dir(bpy.data) for one in blocks(bpy, kind))
    return any(
        strip.extrapolation != "HOLD"
        for data in (getattr(one, "animation_data", None) for one in owners)
        for track in (data.nla_tracks if data is not None else ())
        for strip in track.strips
    )


def blocks(bpy, kind):
    """The data-blocks of one kind, nothing for an attribute of bpy.data that is no collection of them."""
    found = getattr(bpy.data, kind)
    return found if type(found).__name__ == "bpy_prop_collection" else ()


def simulates(modifier):
    if modifier.type in ("CLOTH", "SOFT_BODY"):
        return not modifier.point_cache.is_baked
    if modifier.type == "FLUID":
        domain = modifier.domain_settings
        return domain is None or domain.cache_type == "REPLAY"
    return modifier.type == "DYNAMIC_PAINT"
