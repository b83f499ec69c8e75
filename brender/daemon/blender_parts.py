"""One still in parts, inside Blender: tiles of its picture or ranges of its samples, each rendered as a frame would be.

Imported by runner.py beside blender_scene.py: the standard library only. A part is a picture of the full size; what
makes one still of them is the function `merge`. It must not know where the parts go or how many slots there are.
"""

import os

from blender_scene import BAD_NAME, REFUSED, Failed, render_to, say, whole_size

NUMBER = "#" * 9  # longer than any part's own number, so that no name is taken twice
# Compositor nodes whose pixel depends on pixels beside it: on a tile they see black where the others are.
# fmt: off
FAR_SIGHTED = {
    "ANTIALIASING", "BILATERALBLUR", "BLUR", "BOKEHBLUR", "CONVOLVE", "CORNERPIN", "CROP", "DBLUR", "DEFOCUS",
    "DENOISE", "DESPECKLE", "DILATEERODE", "DISPLACE", "DOUBLEEDGEMASK", "FILTER", "FLIP", "GLARE", "INPAINT",
    "KUWAHARA", "LENSDIST", "LEVELS", "MAP_UV", "MOVIEDISTORTION", "NORMALIZE", "PIXELATE", "PLANETRACKDEFORM",
    "ROTATE", "SCALE", "STABILIZE2D", "SUNBEAMS", "TONEMAP", "TRANSFORM", "TRANSLATE", "VECBLUR",
}
# fmt: on


def prepare_parts(scene, request):
    """What must not differ between the parts of one still, so that together they are the still."""
    render = scene.render
    cycles = scene.cycles if render.engine == "CYCLES" else None
    if cycles is not None and cycles.use_denoising:
        cycles.use_denoising = False  # it would smooth each part for itself and leave seams
        say("notice", text="parts of a still are not denoised")
    if "tiles" in request:
        if render.use_border:
            say("notice", text="the file renders only a region; its tiles are of the whole picture")
        refuse_seams(scene)
        return
    if cycles is None:
        raise Failed(BAD_NAME, f"ranges of samples are for Cycles, and this scene renders with {render.engine}")
    cycles.use_adaptive_sampling = False  # every part has to count alike
    cycles.time_limit = 0.0
    parts, total = request["sample_parts"], cycles.samples
    count = -(-total // parts)
    if count * parts != total:
        say("notice", text=f"{total} samples are no {parts} equal parts: each has {count}")
    if hasattr(cycles, "use_sample_subset"):  # since 5.0 the pattern is laid out for all of them
        cycles.samples = count * parts
        cycles.use_sample_subset = True
        cycles.sample_subset_length = count
    else:
        cycles.samples = count


def refuse_seams(scene):
    """A compositor that looks beyond a tile would leave seams in the still: better no picture than that one."""
    group = getattr(scene, "compositing_node_group", None) or (scene.use_nodes and getattr(scene, "node_tree", None))
    trees, seen = [group] if scene.render.use_compositing and group else [], set()
    while trees:
        tree = trees.pop()
        seen.add(tree.name)
        for node in tree.nodes:
            if node.type in FAR_SIGHTED and not node.mute:
                hint = "render it whole, or in sample_parts"
                raise Failed(REFUSED, f"compositor node {node.name!r} sees more than one tile: {hint}")
            inner = getattr(node, "node_tree", None)
            if inner is not None and inner.name not in seen:
                trees.append(inner)


def render_part(bpy, scene, request, part, ending):
    """Part number `part`, from 1, into `<prefix>.<part>.<ending>`, whose path is returned."""
    choose_part(scene, request, part)
    frame, prefix = request["still"], request["prefix"]
    final = f"{prefix}.{part}.{ending}"
    # Blender puts the frame's number into the name of what an animation writes.
    wrote = final if frame < 0 else f"{prefix}.{frame:0{len(NUMBER)}d}.{ending}"
    render_to(bpy, scene, frame, wrote, f"{prefix}.{NUMBER}.{ending}")
    os.replace(wrote, final)
    return final


def choose_part(scene, request, part):
    """Let the next render be of this part."""
    columns, rows = map(int, request["tiles"].split("x")) if "tiles" in request else (request["sample_parts"], 1)
    if not 1 <= part <= columns * rows:
        raise Failed(BAD_NAME, f"the still has parts 1 to {columns * rows}, and no part {part}")
    if "tiles" not in request:
        cycles = scene.cycles
        count = cycles.sample_subset_length if hasattr(cycles, "use_sample_subset") else cycles.samples
        cycles.sample_offset = count * (part - 1)
        return
    render = scene.render
    row, column = divmod(part - 1, columns)
    width, height = whole_size(render)
    render.use_border, render.use_crop_to_border = True, False
    render.border_min_x, render.border_max_x = edges(width, column, columns)
    # Rows are counted from the top, Blender's borders from the bottom.
    top = round(height * row / rows)
    bottom = round(height * (row + 1) / rows)
    render.border_min_y, render.border_max_y = inside(height - bottom, height), inside(height - top, height)


def edges(side, place, count):
    """The two borders of one of `count` stretches of a side."""
    return tuple(inside(round(side * edge / count), side) for edge in (place, place + 1))


def inside(pixel, side):
    """A pixel's edge as a part of the side: a little past it, for Blender rounds down."""
    return pixel / side if pixel in (0, side) else (pixel + 0.5) / side
