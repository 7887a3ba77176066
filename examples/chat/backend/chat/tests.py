import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO

import jwt
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client, TestCase, override_settings

from .models import Message, Room


class CentrifugoHandler(BaseHTTPRequestHandler):
    """Notes what Centrifugo is told."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append((self.path, json.loads(body)))
        self.server.key = self.headers["X-API-Key"]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"result": {}}')

    def log_message(self, *args):
        pass


# PBKDF2 is slow by design, and would be most of what the tests do.
@override_settings(
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]
)
class ChatTestCase(TestCase):
    @classmethod
    def setUpTestData(cls):
        call_command("seed", stdout=StringIO())
        cls.alice = User.objects.get(username="alice")
        cls.room = Room.objects.get(name="General")
        cls.messages = f"/api/rooms/{cls.room.pk}/messages/"

    def setUp(self):
        self.centrifugo = HTTPServer(("127.0.0.1", 0), CentrifugoHandler)
        self.centrifugo.told = []
        thread = threading.Thread(
            target=self.centrifugo.serve_forever, kwargs={"poll_interval": 0.01}
        )
        thread.start()
        self.addCleanup(self.centrifugo.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.centrifugo.shutdown)
        port = self.centrifugo.server_port
        override = self.settings(
            CENTRIFUGO_API_URL=f"http://127.0.0.1:{port}/api"
        )
        override.enable()
        self.addCleanup(override.disable)

    def post(self, path, body=None):
        # A test never commits, so what waits for that is run here.
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(path, body, "application/json")


class SessionTests(ChatTestCase):
    def login(self, password="alice-password"):
        return self.post(
            "/api/login/", {"username": "alice", "password": password}
        )

    def test_nobody_is_logged_in_at_first_and_the_csrf_cookie_is_set(self):
        response = self.client.get("/api/session/")
        self.assertEqual(response.json(), {"user": None})
        self.assertIn("csrftoken", response.cookies)

    def test_a_login_makes_a_session(self):
        user = {"id": self.alice.pk, "username": "alice"}
        response = self.login()
        self.assertEqual(response.json(), {"user": user})
        cookie = response.cookies["sessionid"]
        self.assertTrue(cookie["httponly"])
        self.assertEqual(cookie["samesite"], "Lax")
        response = self.client.get("/api/session/")
        self.assertEqual(response.json(), {"user": user})

    def test_a_wrong_password_is_refused(self):
        response = self.login("guess")
        self.assertEqual(response.status_code, 400)
        self.assertIn("detail", response.json())

    def test_a_login_that_is_not_an_object_of_texts_is_refused(self):
        for body in [
            "[]",
            "{}",
            "no json",
            '{"username": 1, "password": 2}',
            '{"username": "\\u0000", "password": ""}',
            '{"username": "\\ud800", "password": ""}',
        ]:
            with self.subTest(body):
                response = self.post("/api/login/", body)
                self.assertEqual(response.status_code, 400)
                self.assertIn("detail", response.json())

    def test_a_logout_ends_the_session_and_the_connections(self):
        self.login()
        self.assertEqual(self.post("/api/logout/").status_code, 204)
        self.assertEqual(
            self.client.get("/api/session/").json(), {"user": None}
        )
        [(path, params)] = self.centrifugo.told
        self.assertEqual(path, "/api/disconnect")
        self.assertEqual(params["user"], str(self.alice.pk))
        # The codes after which the client does not connect again.
        self.assertIn(params["disconnect"]["code"], range(4500, 5000))
        self.assertEqual(self.centrifugo.key, settings.CENTRIFUGO_API_KEY)

    def test_everything_else_is_for_members(self):
        for path in ["/api/rooms/", self.messages, "/api/centrifugo/token/"]:
            with self.subTest(path):
                response = self.client.get(path)
                self.assertEqual(response.status_code, 403)
                self.assertIn("detail", response.json())
        for path in ["/api/logout/", self.messages]:
            with self.subTest(path):
                self.assertEqual(self.post(path).status_code, 403)


class CsrfTests(ChatTestCase):
    """What the proxy's Host decides."""

    def login(self, host):
        client = Client(enforce_csrf_checks=True)
        token = client.get("/api/session/").cookies["csrftoken"].value
        return client.post(
            "/api/login/",
            {"username": "alice", "password": "alice-password"},
            "application/json",
            headers={
                "Host": host,
                "Origin": "http://localhost:9000",
                "X-CSRFToken": token,
            },
        )

    def test_the_host_with_its_port_is_the_origin(self):
        self.assertEqual(self.login("localhost:9000").status_code, 200)

    def test_without_the_port_it_is_another_origin(self):
        response = self.login("localhost")
        self.assertEqual(response.status_code, 403)
        self.assertIn("http://localhost:9000", response.json()["detail"])

    def test_unless_that_origin_is_trusted(self):
        with self.settings(CSRF_TRUSTED_ORIGINS=["http://localhost:9000"]):
            self.assertEqual(self.login("localhost").status_code, 200)


class RoomTests(ChatTestCase):
    def setUp(self):
        super().setUp()
        self.client.force_login(self.alice)

    def test_the_rooms_are_listed(self):
        rooms = self.client.get("/api/rooms/").json()["rooms"]
        self.assertEqual(
            [room["name"] for room in rooms], ["General", "Random"]
        )

    def test_a_message_is_stored_and_published(self):
        response = self.post(self.messages, {"text": " Grüße "})
        self.assertEqual(response.status_code, 201)
        message = response.json()
        self.assertEqual(message["user"], "alice")
        self.assertEqual(message["room"], self.room.pk)
        self.assertEqual(message["text"], "Grüße")
        self.assertEqual(
            self.client.get(self.messages).json(), {"messages": [message]}
        )
        self.assertEqual(
            self.centrifugo.told,
            [
                (
                    "/api/publish",
                    {"channel": f"room:{self.room.pk}", "data": message},
                )
            ],
        )

    def test_a_message_without_centrifugo_is_stored(self):
        with (
            self.settings(CENTRIFUGO_API_URL="http://127.0.0.1:1/api"),
            self.assertLogs("chat.centrifugo", "WARNING"),
        ):
            response = self.post(self.messages, {"text": "anyone?"})
        self.assertEqual(response.status_code, 201)
        self.assertEqual(Message.objects.count(), 1)

    def test_an_empty_message_and_an_endless_one_are_refused(self):
        for text in ["", " ", "x" * 2001]:
            with self.subTest(length=len(text)):
                response = self.post(self.messages, {"text": text})
                self.assertEqual(response.status_code, 400)
                self.assertIn("detail", response.json())
        self.assertEqual(Message.objects.count(), 0)

    def test_a_room_opens_with_its_newest_messages_the_oldest_first(self):
        for number in range(60):
            Message.objects.create(
                room=self.room, user=self.alice, text=str(number)
            )
        with self.assertNumQueries(4):  # session, user, room, messages
            response = self.client.get(self.messages)
        texts = [message["text"] for message in response.json()["messages"]]
        self.assertEqual(texts, [str(number) for number in range(10, 60)])

    def test_a_room_that_is_not_there_is_not_found(self):
        for room_id in [999, 10**20]:
            with self.subTest(room_id):
                response = self.client.get(f"/api/rooms/{room_id}/messages/")
                self.assertEqual(response.status_code, 404)
                self.assertIn("detail", response.json())

    def test_a_room_made_or_deleted_in_the_admin_is_announced(self):
        self.client.force_login(User.objects.get(username="admin"))
        announcement = (
            "/api/publish",
            {"channel": "rooms:index", "data": {"type": "rooms"}},
        )
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post("/admin/chat/room/add/", {"name": "New"})
        self.assertEqual(self.centrifugo.told, [announcement])
        new = Room.objects.get(name="New")
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(
                f"/admin/chat/room/{new.pk}/delete/", {"post": "yes"}
            )
        self.assertEqual(self.centrifugo.told, [announcement] * 2)


class CentrifugoTests(ChatTestCase):
    def rpc(self, method):
        body = {"method": method, "user": str(self.alice.pk), "data": {}}
        return self.post("/centrifugo/rpc", body).json()

    def test_the_token_says_who_connects(self):
        self.client.force_login(self.alice)
        token = self.client.get("/api/centrifugo/token/").json()["token"]
        # Verifies that it has not expired, too.
        claims = jwt.decode(
            token,
            settings.CENTRIFUGO_TOKEN_SECRET,
            ["HS256"],
            {"require": ["exp", "sub"]},
        )
        self.assertEqual(claims["sub"], str(self.alice.pk))
        self.assertEqual(claims["info"], {"username": "alice"})

    def test_whoami_is_answered(self):
        self.assertEqual(
            self.rpc("whoami"), {"result": {"data": {"username": "alice"}}}
        )

    def test_another_method_is_an_error_of_centrifugos(self):
        self.assertIn("error", self.rpc("whoareyou"))


class SeedTests(ChatTestCase):
    def test_a_second_seed_leaves_everything_as_it_is(self):
        self.alice.set_password("changed")
        self.alice.save()
        output = StringIO()
        call_command("seed", stdout=output)
        self.assertEqual(output.getvalue(), "")
        self.assertEqual(Room.objects.count(), 2)
        self.assertEqual(User.objects.count(), 3)
        self.alice.refresh_from_db()
        self.assertTrue(self.alice.check_password("changed"))
