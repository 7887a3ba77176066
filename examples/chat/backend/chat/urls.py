from django.urls import path

from . import views

urlpatterns = [
    path("session/", views.session),
    path("login/", views.login),
    path("logout/", views.logout),
    path("rooms/", views.rooms),
    path("rooms/<int:room_id>/messages/", views.messages),
    path("centrifugo/token/", views.centrifugo_token),
]
