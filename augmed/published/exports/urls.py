from django.urls import URLPattern, re_path

from augmed.published.exports import views

urlpatterns: list[URLPattern] = [
    re_path(r"^api/v1/export/answers/?$", views.AnswersView.as_view(), name="published-export-answers"),
    re_path(
        r"^api/v1/export/display-configs/?$",
        views.DisplayConfigsView.as_view(),
        name="published-export-display-configs",
    ),
    re_path(r"^api/v1/export/analytics/?$", views.AnalyticsView.as_view(), name="published-export-analytics"),
    re_path(r"^api/v1/export/participants/?$", views.ParticipantsView.as_view(), name="published-export-participants"),
]
