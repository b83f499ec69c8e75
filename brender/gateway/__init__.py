"""`brender web`: HTTP and WebSocket for browsers, which refuse port 6000. An ordinary client of that port, on asyncio.

It shows and passes on; it must not decide anything about the farm, and it knows no database.
"""
