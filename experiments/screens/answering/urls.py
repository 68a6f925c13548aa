from django.urls import path

from experiments.screens.answering import views

urlpatterns = [
    path("open/", views.Open.as_view(), name="review_open"),
    path("answer/", views.Answer.as_view(), name="review_answer"),
    path("draft/", views.Draft.as_view(), name="review_draft"),
    path("done/", views.Done.as_view(), name="review_done"),
]
