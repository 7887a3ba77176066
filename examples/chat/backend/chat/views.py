import json
import re
from functools import wraps

from django.contrib import auth
from django.core.exceptions import BadRequest, ValidationError
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views import csrf
from django.views.decorators.csrf import csrf_exempt, ensure_csrf_cookie
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from . import centrifugo
from .models import Message, Room

# How many messages a room opens with.
PAGE = 50

# What JSON can hold and a database can't.
NOT_TEXT = re.compile("[\0\ud800-\udfff]")


def refuse(status, detail):
    return JsonResponse({"detail": detail}, status=status)


def api(view):
    """Tells in JSON what Django would tell in HTML."""

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        try:
            return view(request, *args, **kwargs)
        except BadRequest as error:
            return refuse(400, str(error))
        except Http404:
            return refuse(404, "Not found.")

    return wrapper


def members_only(view):
    """As login_required, but for an API: no redirect to a login page."""

    @wraps(view)
    def wrapper(request, *args, **kwargs):
        if not request.user.is_authenticated:
            return refuse(403, "Please log in.")
        return view(request, *args, **kwargs)

    return api(wrapper)


def csrf_failure(request, reason=""):
    if request.path.startswith("/api/"):
        return refuse(403, f"CSRF verification failed. {reason}")
    return csrf.csrf_failure(request, reason)


def fields(request, *names):
    """Strings of the body, a JSON object. Raises BadRequest."""
    try:
        body = json.loads(request.body)
    except ValueError:
        raise BadRequest("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise BadRequest("The body is not a JSON object.")
    values = [body.get(name) for name in names]
    for name, value in zip(names, values):
        if not isinstance(value, str) or NOT_TEXT.search(value):
            raise BadRequest(f"{name} has to be a text.")
    return values


def user_as_json(user):
    if not user.is_authenticated:
        return None
    return {"id": user.pk, "username": user.get_username()}


@require_GET
@ensure_csrf_cookie
def session(request):
    return JsonResponse({"user": user_as_json(request.user)})


@require_POST
@api
def login(request):
    username, password = fields(request, "username", "password")
    user = auth.authenticate(request, username=username, password=password)
    if user is None:
        return refuse(400, "Wrong username or password.")
    auth.login(request, user)
    return JsonResponse({"user": user_as_json(user)})


@require_POST
@members_only
def logout(request):
    user = request.user
    auth.logout(request)
    centrifugo.disconnect(user)
    return HttpResponse(status=204)


@require_GET
@members_only
def rooms(request):
    return JsonResponse({"rooms": list(Room.objects.values("id", "name"))})


@require_http_methods(["GET", "POST"])
@members_only
def messages(request, room_id):
    room = get_object_or_404(Room, pk=room_id)
    if request.method == "POST":
        return post_message(request, room)
    newest = room.messages.select_related("user")[:PAGE]
    return JsonResponse(
        {"messages": [message.as_json() for message in reversed(newest)]}
    )


def post_message(request, room):
    (text,) = fields(request, "text")
    message = Message(room=room, user=request.user, text=text.strip())
    try:
        message.full_clean()
    except ValidationError as error:
        raise BadRequest(" ".join(error.messages)) from None
    message.save()
    published = message.as_json()
    transaction.on_commit(lambda: centrifugo.publish(room.channel, published))
    return JsonResponse(published, status=201)


@require_GET
@members_only
def centrifugo_token(request):
    return JsonResponse({"token": centrifugo.connection_token(request.user)})


@require_POST
@csrf_exempt
@api
def centrifugo_rpc(request):
    """Answers what a page asks over its connection to Centrifugo.

    https://centrifugal.dev/docs/server/proxy#rpc-proxy
    """
    method, user_id = fields(request, "method", "user")
    if method != "whoami":
        return JsonResponse(
            {"error": {"code": 404, "message": "method not found"}}
        )
    user = get_object_or_404(auth.get_user_model(), pk=user_id)
    return JsonResponse({"result": {"data": {"username": user.get_username()}}})
