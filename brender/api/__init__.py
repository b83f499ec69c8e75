"""The Python API: a farm as objects, over plain sockets. docs/python.md says how to use it; `import brender` offers it.

This room knows the wire and the names of commands. It must not know how a master works, and no gevent.
"""
