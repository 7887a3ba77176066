from django.contrib import admin
from django.urls import include, path

from chat import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("chat.urls")),
    # For Centrifugo alone: no location of the proxy leads here.
    path("centrifugo/rpc", views.centrifugo_rpc),
]
