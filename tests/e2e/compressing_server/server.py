"""Starlette's own compression behind uvicorn, on a free port, which it prints.

It ends with its standard input.
"""

import os
import socket
import sys
import threading

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route


def text(_request):
    return PlainTextResponse("one line of many\n" * 4_000)


def end_with_input():
    sys.stdin.read()
    os._exit(0)


app = Starlette(routes=[Route("/", text)], middleware=[Middleware(GZipMiddleware)])
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
print(listener.getsockname()[1], flush=True)
threading.Thread(target=end_with_input, daemon=True).start()
config = uvicorn.Config(app, log_level="error")
uvicorn.Server(config).run(sockets=[listener])
