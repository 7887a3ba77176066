from django.conf import settings
from django.db import models


class Room(models.Model):
    name = models.CharField(max_length=100, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name

    @property
    def channel(self):
        """Where Centrifugo hands its messages out."""
        return f"room:{self.pk}"


class Message(models.Model):
    room = models.ForeignKey(
        Room, on_delete=models.CASCADE, related_name="messages"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    text = models.CharField(max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        # The newest first. The index serves "the newest of a room".
        ordering = ["-id"]
        indexes = [models.Index(fields=["room", "-id"])]

    def __str__(self):
        return self.text[:50]

    def as_json(self):
        """What the API answers and what is published, one and the same."""
        return {
            "id": self.pk,
            "room": self.room_id,
            "user": self.user.get_username(),
            "text": self.text,
            "created_at": self.created_at.isoformat(),
        }
