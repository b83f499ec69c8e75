"""What a worker decides and knows without touching the world: duty, outputs, Blender's words."""
