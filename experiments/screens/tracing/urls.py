from django.urls import path

from experiments.screens.tracing import views

urlpatterns = [
    path("events/", views.EventsView.as_view(), name="review_events"),
    path("reveal/", views.RevealView.as_view(), name="review_reveal"),
]
