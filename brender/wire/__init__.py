"""The wire: bytes in, messages out. No socket, no clock, no gevent: hub/port.py owns those."""
