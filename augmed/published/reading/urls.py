from __future__ import annotations

from django.urls import re_path

from augmed.published.reading import views

urlpatterns = [
    re_path(r"^api/cases/?$", views.CasesView.as_view(), name="published-cases"),
    re_path(r"^api/case-reviews/(?P<config_id>[^/]+)/?$", views.CaseReviewView.as_view(), name="published-case-review"),
    re_path(r"^api/config/answer/?$", views.AnswerConfigView.as_view(), name="published-answer-config"),
    re_path(r"^api/answer/(?P<config_id>[^/]+)/?$", views.AnswerView.as_view(), name="published-answer"),
    re_path(r"^api/analytics/?$", views.AnalyticsView.as_view(), name="published-analytics"),
]
