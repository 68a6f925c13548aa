from celery import shared_task

from participants import mail

# A mail server that does not answer is asked again, for about an hour in all.
_RETRY = {"autoretry_for": (OSError,), "retry_backoff": 30, "max_retries": 6}


@shared_task(name="participants.send_invitation", **_RETRY)
def send_invitation(*, invitation_id: str, study_name: str = "") -> None:
    mail.send_invitation(invitation_id=invitation_id, study_name=study_name)


@shared_task(name="participants.send_password_reset", **_RETRY)
def send_password_reset(*, email: str) -> None:
    mail.send_password_reset(email=email)


@shared_task(name="participants.send_client_link", **_RETRY)
def send_client_link(*, email: str, mail_id: str) -> None:
    mail.send_client_link(email=email, mail_id=mail_id)
