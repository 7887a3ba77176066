"""What Centrifugo is told: https://centrifugal.dev/docs/server/server_api

Centrifugo may be down: then what was to be told is logged and lost, and the
request that wanted to tell it goes on. Pages find what they missed by the API.
"""

import json
import logging
import time
import urllib.request
from http.client import HTTPException

import jwt
from django.conf import settings

logger = logging.getLogger(__name__)

# Seconds. A request waits for Centrifugo, so not for long.
TIMEOUT = 3
# Seconds. The client asks for a new token before this one has expired.
TOKEN_LIFETIME = 600

# From 4500 on a code tells the client not to connect again.
# https://centrifugal.dev/docs/server/codes#custom-disconnect-codes
LOGGED_OUT = {"code": 4501, "reason": "logged out"}

# HTTP_PROXY is not meant for a service next door.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def publish(channel, data):
    _tell("publish", {"channel": channel, "data": data})


def disconnect(user):
    """Ends all connections of a user, on all devices."""
    _tell("disconnect", {"user": str(user.pk), "disconnect": LOGGED_OUT})


def connection_token(user):
    claims = {
        "sub": str(user.pk),
        "exp": int(time.time()) + TOKEN_LIFETIME,
        "info": {"username": user.get_username()},
    }
    return jwt.encode(claims, settings.CENTRIFUGO_TOKEN_SECRET, "HS256")


def _tell(method, params):
    request = urllib.request.Request(
        f"{settings.CENTRIFUGO_API_URL}/{method}",
        data=json.dumps(params).encode(),
        headers={
            "Content-Type": "application/json",
            "X-API-Key": settings.CENTRIFUGO_API_KEY,
        },
    )
    try:
        with _opener.open(request, timeout=TIMEOUT) as response:
            # Centrifugo reports errors of its own with status 200.
            error = json.load(response).get("error")
    except (OSError, HTTPException, ValueError) as failure:
        error = failure
    if error:
        logger.warning("Centrifugo was not told to %s: %s", method, error)
