"""Scenes that build themselves: scripts run inside Blender, so that a new farm has something lovely to render.

They know bpy and the standard library only, and nothing of brender.
"""
