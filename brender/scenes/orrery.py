"""A brass orrery under a night sky, 24 frames: the scene a new farm renders first.

Run inside Blender (`blender -b --factory-startup -P orrery.py -- OUT.blend [FRAMES]`) or with the bpy wheel; it builds
everything from numbers and saves one small .blend for Cycles on a CPU. Blender 3.4 to 5.x; it knows nothing of brender.
"""

import math
import sys

import bpy

BRASS, COPPER, STEEL = (0.85, 0.56, 0.20), (0.80, 0.32, 0.16), (0.55, 0.58, 0.64)
SUN_HEIGHT = 1.55


def lathe(name, profile, material, parent=None, segments=64):
    """A smooth object turned around Z from (radius, height) points; a profile that ends where it began is a ring."""
    points = [
        (radius * math.cos(turn), radius * math.sin(turn), height)
        for radius, height in profile
        for turn in (2 * math.pi * step / segments for step in range(segments))
    ]
    faces = [
        (
            row * segments + step,
            row * segments + after,
            (row + 1) * segments + after,
            (row + 1) * segments + step,
        )
        for row in range(len(profile) - 1)
        for step, after in ((step, (step + 1) % segments) for step in range(segments))
    ]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points, [], faces)
    mesh.polygons.foreach_set("use_smooth", [True] * len(faces))
    mesh.materials.append(material)
    thing = bpy.data.objects.new(name, mesh)
    thing.parent = parent
    bpy.context.scene.collection.objects.link(thing)
    return thing


def ball(radius, rows=32):
    """Profile of a sphere, from its south pole up."""
    turns = [math.pi * (row / rows - 0.5) for row in range(rows + 1)]
    return [(max(1e-4, radius * math.cos(turn)), radius * math.sin(turn)) for turn in turns]


def ring(radius, thick, flat=1.0, rows=20):
    """Profile of a torus; `flat` stretches its height, so that 4 makes a band."""
    turns = [2 * math.pi * row / rows for row in range(rows + 1)]
    return [(radius + thick * math.cos(turn), thick * flat * math.sin(turn)) for turn in turns]


def empty(name, parent=None, height=0.0):
    thing = bpy.data.objects.new(name, None)
    thing.parent = parent
    thing.location.z = height
    bpy.context.scene.collection.objects.link(thing)
    return thing


def shader(name):
    """A new material and its nodes with only an output left."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    return material, nodes, material.node_tree.links, nodes.new("ShaderNodeOutputMaterial")


def surface(name, colour, metallic=0.0, roughness=0.3):
    """A principled material; only sockets whose names every Blender since 2.8 has."""
    material, nodes, links, output = shader(name)
    body = nodes.new("ShaderNodeBsdfPrincipled")
    body.inputs["Base Color"].default_value = (*colour, 1)
    body.inputs["Metallic"].default_value = metallic
    body.inputs["Roughness"].default_value = roughness
    links.new(body.outputs[0], output.inputs["Surface"])
    return material


def patterned(name, stops, scale, stretch=(1, 1, 1), roughness=0.3):
    """A planet: layered noise through a colour ramp; `stretch` squeezes it into the bands of a gas giant."""
    material = surface(name, (1, 1, 1), 0.0, roughness)
    nodes, links = material.node_tree.nodes, material.node_tree.links
    place, scaled, noise, ramp = (
        nodes.new(f"ShaderNode{kind}") for kind in ("TexCoord", "Mapping", "TexNoise", "ValToRGB")
    )
    scaled.inputs["Scale"].default_value = stretch
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = 5
    while len(ramp.color_ramp.elements) < len(stops):
        ramp.color_ramp.elements.new(0.5)
    for element, (position, colour) in zip(ramp.color_ramp.elements, stops, strict=True):
        element.position, element.color = position, (*colour, 1)
    links.new(place.outputs["Object"], scaled.inputs["Vector"])
    links.new(scaled.outputs["Vector"], noise.inputs["Vector"])
    links.new(noise.outputs[0], ramp.inputs["Fac"])
    body = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    links.new(ramp.outputs["Color"], body.inputs["Base Color"])
    return material


def glowing(name, colour, strength):
    """Light that reddens towards its edge, as the sun's does."""
    material, nodes, links, output = shader(name)
    glow = nodes.new("ShaderNodeEmission")
    glow.inputs["Strength"].default_value = strength
    edge, ramp = nodes.new("ShaderNodeLayerWeight"), nodes.new("ShaderNodeValToRGB")
    edge.inputs["Blend"].default_value = 0.45
    ramp.color_ramp.elements[0].color = (*colour, 1)
    ramp.color_ramp.elements[1].color = (colour[0], colour[1] * 0.33, colour[2] * 0.1, 1)
    links.new(edge.outputs["Facing"], ramp.inputs["Fac"])
    links.new(ramp.outputs["Color"], glow.inputs["Color"])
    links.new(glow.outputs[0], output.inputs["Surface"])
    return material


def glass(name, colour):
    material, nodes, links, output = shader(name)
    body = nodes.new("ShaderNodeBsdfGlass")
    body.inputs["Color"].default_value = (*colour, 1)
    body.inputs["Roughness"].default_value = 0.0
    body.inputs["IOR"].default_value = 1.45
    links.new(body.outputs[0], output.inputs["Surface"])
    return material


def night_sky(world):
    """Deep blue above, a last warm band at the horizon, and stars."""
    world.use_nodes = True
    # A map of where the sky is bright would cost seconds a frame, and this sky lights next to nothing.
    world.cycles.sampling_method = "NONE"
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes.clear()
    output, sky, place = (nodes.new(f"ShaderNode{kind}") for kind in ("OutputWorld", "Background", "TexCoord"))
    split, ramp, cells, stars, add = (
        nodes.new(f"ShaderNode{kind}") for kind in ("SeparateXYZ", "ValToRGB", "TexVoronoi", "ValToRGB", "MixRGB")
    )
    deep, violet, blue = (0.001, 0.002, 0.006), (0.018, 0.010, 0.030), (0.005, 0.011, 0.032)
    colours = ((0.30, deep), (0.49, violet), (0.58, blue), (0.85, deep))
    while len(ramp.color_ramp.elements) < len(colours):
        ramp.color_ramp.elements.new(0.5)
    for element, (position, colour) in zip(ramp.color_ramp.elements, colours, strict=True):
        element.position, element.color = position, (*colour, 1)
    half = nodes.new("ShaderNodeMath")
    half.operation = "MULTIPLY_ADD"
    half.inputs[1].default_value = half.inputs[2].default_value = 0.5
    cells.inputs["Scale"].default_value = 42
    stars.color_ramp.elements[0].position, stars.color_ramp.elements[0].color = 0.0, (3.0, 2.8, 2.4, 1)
    stars.color_ramp.elements[1].position, stars.color_ramp.elements[1].color = 0.075, (0, 0, 0, 1)
    add.blend_type = "ADD"
    add.inputs[0].default_value = 1.0
    links.new(place.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], half.inputs[0])
    links.new(half.outputs[0], ramp.inputs["Fac"])
    links.new(place.outputs["Generated"], cells.inputs["Vector"])
    links.new(cells.outputs["Distance"], stars.inputs["Fac"])
    links.new(ramp.outputs["Color"], add.inputs[1])
    links.new(stars.outputs["Color"], add.inputs[2])
    links.new(add.outputs[0], sky.inputs["Color"])
    links.new(sky.outputs[0], output.inputs["Surface"])


def stage(brass, steel):
    """A polished dark table with inlaid brass circles, a turned pedestal, and the sun on top of it."""
    table = surface("Table", (0.0, 0.0, 0.0), 0.0, 0.0)
    lathe("Table", [(1e-4, -0.12), (4.55, -0.12), (4.62, -0.06), (4.6, 0), (1e-4, 0)], table, segments=160)
    rim = lathe("Rim", ring(4.63, 0.03, 1.5, 12), brass, segments=160)
    rim.location.z = -0.07  # below the table's face, which would mirror it as grain
    for radius in (1.25, 2.05, 2.95, 3.95):
        lathe("Inlay", ring(radius, 0.012, 0.5, 8), brass, segments=160)
    foot = [(0.62, 0.0), (0.62, 0.06), (0.56, 0.10), (0.40, 0.13), (0.34, 0.20), (0.16, 0.27), (0.09, 0.36)]
    stem = [(0.07, 0.60), (0.11, 0.68), (0.13, 0.74), (0.11, 0.80), (0.06, 0.88), (0.05, SUN_HEIGHT)]
    lathe("Pedestal", foot + stem, brass)
    sun = lathe("Sun", ball(0.36), glowing("Sunlight", (1.0, 0.66, 0.26), 3.2))
    sun.location.z = SUN_HEIGHT
    # The ball is only for the eye; a point lamp inside gives its light, with far less noise than a glowing mesh.
    sun.visible_shadow = sun.visible_diffuse = False
    lamp("Sun lamp", "POINT", 230, (1.0, 0.70, 0.38), (0, 0, SUN_HEIGHT), 0.2)
    for number, (tilt, turn) in enumerate(((0.42, 0.3), (-0.95, 1.2), (1.45, 2.4))):
        hoop = lathe("Hoop", ring(0.58 + 0.05 * number, 0.012, 2.2), steel if number == 1 else brass)
        hoop.location.z = SUN_HEIGHT
        hoop.rotation_euler = (tilt, 0, turn)
        turning(hoop, 2, (turn, turn + 0.5 + 0.2 * number))


def turning(thing, axis, angles):
    """Rotate evenly over the whole scene, in radians."""
    scene = bpy.context.scene
    for frame, angle in zip((scene.frame_start, scene.frame_end + 1), angles, strict=True):
        thing.rotation_euler[axis] = angle
        thing.keyframe_insert("rotation_euler", index=axis, frame=frame)


def planet(name, radius, look, orbit, metal):
    """A ball on an arm. `orbit` is (distance, height, angle at the start, angle swept)."""
    distance, height, start, swept = orbit
    pivot = empty(f"{name} orbit", None, height)
    turning(pivot, 2, (start, start + swept))
    arm = lathe(f"{name} arm", [(0.022, 0.05), (0.016, distance)], metal, pivot, 24)
    arm.rotation_euler = (0, math.pi / 2, 0)
    lathe(f"{name} collar", ring(0.075, 0.03, 1.4), metal, pivot, 48)
    lift = radius + 0.10
    post = lathe(f"{name} post", [(0.02, -0.06), (0.03, -0.03), (0.016, 0.0), (0.012, lift)], metal, pivot, 24)
    post.location.x = distance
    body = lathe(name, ball(radius), look, pivot, 72)
    body.location = (distance, 0, lift)
    turning(body, 2, (0, 2.2))
    return body


def planets(brass, copper, steel):
    sea, land, sand, ice = (0.012, 0.07, 0.22), (0.05, 0.16, 0.05), (0.32, 0.24, 0.11), (0.85, 0.9, 0.95)
    earth = patterned("Earth", ((0.48, sea), (0.53, land), (0.62, sand), (0.72, ice)), 2.6, roughness=0.35)
    cream, rust, pale = (0.75, 0.58, 0.36), (0.42, 0.17, 0.07), (0.85, 0.76, 0.60)
    stripes = patterned(
        "Stripes", ((0.36, rust), (0.46, cream), (0.54, pale), (0.64, rust)), 2.0, (0.25, 0.25, 3.2), 0.3
    )
    planet("Mercury", 0.10, copper, (1.25, 0.50, 0.9, 1.5), copper)
    home = planet("Earth", 0.24, earth, (2.05, 0.64, -1.1, 0.85), brass)
    moon = lathe("Moon", ball(0.065, 24), surface("Moon", (0.6, 0.6, 0.58), 0, 0.5), home, 40)
    moon.location = (0.40, 0, 0.10)
    planet("Neptune", 0.25, glass("Neptune", (0.55, 0.82, 1.0)), (2.95, 0.56, 3.5, 0.55), steel)
    giant = planet("Saturn", 0.36, stripes, (3.25, 0.76, -2.35, 0.40), brass)
    tilt = empty("Saturn tilt", giant)
    tilt.rotation_euler = (0.42, 0.12, 0)
    for radius, width, metal in ((0.50, 0.035, brass), (0.60, 0.045, copper), (0.69, 0.02, steel)):
        lathe("Saturn ring", ring(radius, width, 0.08), metal, tilt, 128)


def lamp(name, kind, energy, colour, place, radius):
    """A lamp aimed at the sun's stand. Watt for lamps of an area; small radii keep few samples clean."""
    light = bpy.data.lights.new(name, kind)
    light.energy, light.color = energy, colour
    if kind == "AREA":
        light.size = radius
    else:
        light.shadow_soft_size = radius
    thing = bpy.data.objects.new(name, light)
    thing.location = place
    bpy.context.scene.collection.objects.link(thing)
    look_at(thing, bpy.data.objects["Aim"])


def look_at(thing, aim):
    track = thing.constraints.new("TRACK_TO")
    track.target, track.track_axis, track.up_axis = aim, "TRACK_NEGATIVE_Z", "UP_Y"


def camera(scene):
    """An arc of a fifth of a circle, rising, with a key on every frame so that it eases in and out."""
    lens = bpy.data.cameras.new("Camera")
    lens.lens = 42
    thing = bpy.data.objects.new("Camera", lens)
    scene.collection.objects.link(thing)
    look_at(thing, bpy.data.objects["Aim"])
    span = max(1, scene.frame_end - scene.frame_start)
    for frame in range(scene.frame_start, scene.frame_end + 1):
        ease = 0.5 - 0.5 * math.cos(math.pi * (frame - scene.frame_start) / span)
        turn = -1.95 + 0.55 * ease
        thing.location = (7.9 * math.cos(turn), 7.9 * math.sin(turn), 1.9 + 1.1 * ease)
        thing.keyframe_insert("location", frame=frame)
    scene.camera = thing


def settings(scene):
    """Cycles on a CPU: 480 x 270, few bounces; denoised where this Blender can."""
    import _cycles  # with the wheel this module exists only after bpy has started

    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 480, 270, 100
    scene.render.image_settings.file_format = "PNG"
    scene.render.fps = 12
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.use_adaptive_sampling = "CPU", 10, False
    cycles.use_denoising = _cycles.with_openimagedenoise
    if cycles.use_denoising:
        cycles.samples, cycles.denoising_prefilter = 8, "FAST"
    if hasattr(cycles, "denoising_quality"):
        cycles.denoising_quality = "FAST"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transmission_bounces = (
        4,
        0,
        2,
        4,
    )
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 1.0
    cycles.blur_glossy = 0.5
    scene.view_settings.exposure = 0.25
    for name in ("AgX", "Filmic"):
        try:
            scene.view_settings.view_transform = name
            break
        except TypeError:
            continue


def build(path, frames):
    """Make the scene and save it at `path`."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    # Linear keys from the start: the way to an action's curves differs between 4.x and 5.x.
    bpy.context.preferences.edit.keyframe_new_interpolation_type = "LINEAR"
    scene = bpy.context.scene
    scene.name = "Orrery"
    scene.frame_start, scene.frame_end = 1, frames
    settings(scene)
    scene.world = bpy.data.worlds.new("Night")
    night_sky(scene.world)
    brass, copper = surface("Brass", BRASS, 1.0, 0.10), surface("Copper", COPPER, 1.0, 0.2)
    steel = surface("Steel", STEEL, 1.0, 0.08)
    empty("Aim", None, 1.0)
    stage(brass, steel)
    planets(brass, copper, steel)
    lamp("Moonlight", "AREA", 600, (0.55, 0.70, 1.0), (-5.5, -5.5, 5.5), 1.5)
    camera(scene)
    bpy.ops.wm.save_as_mainfile(filepath=path, compress=True)


if __name__ == "__main__":
    given = sys.argv[sys.argv.index("--") + 1 :]
    build(given[0], int(given[1]) if len(given) > 1 else 24)
