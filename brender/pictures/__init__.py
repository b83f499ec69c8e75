"""Pictures: thumbnails, measurements, contact sheets, movies, merged parts. They are decoded in a process of their own.

Files are foreign: a bomb in one must kill a child with limits, never a daemon. So the worker daemon talks to
`python -m brender.pictures serve` over a pipe, and tasks are processes of the same program. The room knows folders and
frames; it must not know jobs, farms or the wire. It needs the extra `pictures` (OpenImageIO, imageio-ffmpeg).
"""
