"""The addresses of the screens. No address names an arm, a stage or anything of a case."""

from django.urls import include, path

from experiments.screens import addresses  # noqa: F401  makes the converter known

urlpatterns = [
    path("", include("experiments.screens.home.urls")),
    path("studies/<study_code:code>/", include("experiments.screens.joining.urls")),
    path("reviews/<uuid:public_id>/", include("experiments.screens.reading.urls")),
    path("reviews/<uuid:public_id>/", include("experiments.screens.answering.urls")),
    path("reviews/<uuid:public_id>/", include("experiments.screens.tracing.urls")),
    path("", include("experiments.reminders.urls")),
    path("look/", include("experiments.screens.look.urls")),
]
