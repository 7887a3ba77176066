from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from chat.models import Room

# For trying out, on a machine of one's own: everybody knows these passwords.
SUPERUSER = "admin"
USERS = ["alice", "bob"]
ROOMS = ["General", "Random"]


class Command(BaseCommand):
    help = "Creates users and rooms to try the chat with; leaves others alone."

    @transaction.atomic
    def handle(self, *args, **options):
        users = get_user_model().objects
        for name in [SUPERUSER, *USERS]:
            if users.filter(username=name).exists():
                continue
            create = (
                users.create_superuser
                if name == SUPERUSER
                else users.create_user
            )
            create(name, password=f"{name}-password")
            self.stdout.write(f"user {name}, password {name}-password")
        # In bulk, and so without signals: nobody is there to hear of it yet.
        Room.objects.bulk_create(
            [Room(name=name) for name in ROOMS], ignore_conflicts=True
        )
