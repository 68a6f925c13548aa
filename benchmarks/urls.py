from django.urls import include, path

from benchmarks.floors import ReadFloor, WriteFloor

urlpatterns = [
    path("floor/read/<int:key>", ReadFloor.as_view()),
    path("floor/write/<int:key>", WriteFloor.as_view()),
    path("", include("augmed.urls")),
]
