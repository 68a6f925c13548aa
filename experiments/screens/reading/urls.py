from django.urls import path

from experiments.screens.reading import views

urlpatterns = [
    path("", views.ReviewPage.as_view(), name="review"),
    path("chart/<int:number>/", views.Chart.as_view(), name="review_chart"),
]
