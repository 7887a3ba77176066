from django.contrib import admin

from .models import Message, Room


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    list_display = ["name"]
    search_fields = ["name"]


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    list_display = ["text", "user", "room", "created_at"]
    list_filter = ["room"]
    list_select_related = ["user", "room"]
    search_fields = ["text"]
    date_hierarchy = "created_at"

    def has_add_permission(self, request):
        # One that is written here would reach nobody who is reading.
        return False
