from django.apps import AppConfig


class ParticipantsConfig(AppConfig):
    name = "participants"

    def ready(self) -> None:
        from participants import signals, tasks  # noqa: F401
        from participants.api import schema  # noqa: F401
