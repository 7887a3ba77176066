"""Rooms that are changed in the admin change in every open page."""

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from . import centrifugo
from .models import Room


@receiver([post_save, post_delete], sender=Room)
def announce_rooms(**_):
    # After the commit, for who hears it asks for the rooms at once.
    transaction.on_commit(
        lambda: centrifugo.publish("rooms:index", {"type": "rooms"})
    )
