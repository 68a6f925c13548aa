"""The staff's routes, under /api/ as the client asks for them and at the original's own addresses."""

from django.urls import URLPattern, re_path

from augmed.published.staff.questionnaire import AnswerConfigView
from augmed.published.staff.roster import PersonView, RosterView
from augmed.published.staff.uploads import PreviewView, UploadView

urlpatterns: list[URLPattern] = [
    re_path(r"^(?:api/)?admin/users/?$", RosterView.as_view(), name="published-roster"),
    re_path(r"^(?:api/)?admin/users/(?P<key>\d{1,18})/?$", PersonView.as_view(), name="published-person"),
    re_path(r"^(?:api/)?admin/config/upload/preview/?$", PreviewView.as_view(), name="published-upload-preview"),
    re_path(r"^(?:api/)?admin/config/upload/?$", UploadView.as_view(), name="published-upload"),
    re_path(r"^(?:api/)?admin/config/answer/?$", AnswerConfigView.as_view(), name="published-questionnaire"),
]
