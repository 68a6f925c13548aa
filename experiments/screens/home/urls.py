from django.urls import path

from experiments.screens.home import views

urlpatterns = [
    path("", views.Front.as_view(), name="front"),
    path("home/", views.Home.as_view(), name="home"),
]
