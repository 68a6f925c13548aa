"""Where readers say whether they want reminders: by the link of a mail, or signed in."""

from django.urls import path

from experiments.reminders.views import RemindersOff, StudyReminders
from experiments.screens import addresses  # noqa: F401  makes the converter known

urlpatterns = [
    path("reminders/<str:token>/", RemindersOff.as_view(), name="reminders_off"),
    path("studies/<study_code:code>/reminders/", StudyReminders.as_view(), name="study_reminders"),
]
