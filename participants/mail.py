"""Mail goes out after the answer: by Celery where there is a broker, else in a thread of this process."""

from __future__ import annotations

import logging
import random
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from celery import Task, current_app
from django.conf import settings
from django.core.cache import cache as shared_cache
from django.core.mail import DNS_NAME, EmailMessage
from django.db import connections, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from augmed.foundation import audit
from participants.models import Invitation, User

logger = logging.getLogger(__name__)
MOST_LINKS, HOUR = 5, 3600


def send_later(task_name: str, *, unseen: bool = False, **arguments: str) -> None:
    """Run a mail task once the transaction commits, away from the request that asked for it.

    `unseen` waits a random moment first: else the work, in a thread of the same process, would slow down the answer
    just where there is a mail to send, and so tell that there is one."""
    task: Task = current_app.tasks[task_name]
    wait = random.uniform(0.5, 1.5) if unseen else 0.0  # noqa: S311  no secret, only spread
    if settings.JOB_RUNNER == "celery":
        transaction.on_commit(lambda: task.apply_async(kwargs=arguments, countdown=wait))
    elif settings.JOB_RUNNER == "process":
        transaction.on_commit(lambda: _threads().submit(_in_thread, task, arguments, wait))
    else:
        transaction.on_commit(lambda: task(**arguments))


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="mail")


def _in_thread(task: Task, arguments: dict[str, Any], wait: float) -> None:
    time.sleep(wait)
    try:
        task(**arguments)
    except Exception as error:
        # The error's text may name the address. That an invitation did not go out shows in its `mailed_at`.
        logger.error("%s failed: %s", task.name, type(error).__name__)
    finally:
        connections.close_all()


def send_invitation(*, invitation_id: str, study_name: str = "") -> None:
    """Mail an invitation that is still open, and note that it went out. It names the study that it is to, if any."""
    from participants.actions.invitations import invitation_token

    invitation = Invitation.objects.open().select_related("user").filter(pk=invitation_id).first()
    if invitation is None:
        return
    _send(
        "invitation",
        invitation.user,
        link=settings.PUBLIC_URL + reverse("invitation", args=[invitation_token(invitation)]),
        expires_at=invitation.expires_at,
        study_name=study_name,
        sign_in=settings.PUBLIC_URL + reverse("sign_in"),
    )
    Invitation.objects.filter(pk=invitation_id).update(mailed_at=timezone.now())


def send_password_reset(*, email: str) -> None:
    """Mail a link to set a new password; who has not set one yet gets an open invitation again, others nothing."""
    from participants.actions.passwords import reset_tokens, reset_uid

    user = User.objects.active().filter(email=email).first()
    if user is None or not _may_mail(user):
        return
    if not user.has_usable_password():
        invitation = user.invitations.open().first()
        if invitation is not None:
            send_invitation(invitation_id=str(invitation.pk))
        return
    with transaction.atomic():
        audit.record(action="password_reset_requested", by=None, target=user)
    path = reverse("password_reset_confirm", args=[reset_uid(user), reset_tokens.make_token(user)])
    _send("password_reset", user, link=settings.PUBLIC_URL + path, hours=settings.PASSWORD_RESET_TIMEOUT // 3600)


def send_client_link(*, email: str, mail_id: str) -> None:
    """Mail a link to the published client's page for a new password; by it the first one can be set too."""
    from participants.actions.passwords import one_segment_token

    user = User.objects.active().filter(email=email).first()
    if user is None or not _may_mail(user):
        return
    first = not user.has_usable_password()
    link = (settings.CLIENT_URL or settings.PUBLIC_URL) + reverse("password_reset_link", args=[one_segment_token(user)])
    hours = settings.PASSWORD_RESET_TIMEOUT // 3600
    _send("sign_up" if first else "password_reset", user, mail_id=mail_id, link=link, hours=hours)
    if first:
        User.objects.filter(pk=user.pk).update(password_link_mailed_at=timezone.now())


def _may_mail(user: User) -> bool:
    """Whoever types an address has mail sent to its owner, so at most MOST_LINKS are sent in an hour."""
    key, now = f"password-links-{user.pk}", time.time()
    sent = [at for at in shared_cache.get(key, []) if at > now - HOUR]
    if len(sent) >= MOST_LINKS:
        return False
    shared_cache.set(key, [*sent, now], HOUR)
    return True


_SUBJECTS = {
    "invitation": gettext_lazy("Your invitation"),
    "password_reset": gettext_lazy("Set a new password"),
    "sign_up": gettext_lazy("Set your password"),
}


def _send(template: str, user: User, *, mail_id: str = "", **context: Any) -> None:
    """In the language of its reader. `mail_id` becomes the mail's Message-ID, by which the answer to the asker names
    it."""
    from participants.language import speaking_to

    with speaking_to(user):
        text = render_to_string(f"participants/mail/{template}.txt", {"user": user, **context})
        subject = str(_SUBJECTS[template])
    headers = {"Message-ID": f"<{mail_id}@{DNS_NAME}>"} if mail_id else {}
    EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [user.email], headers=headers).send()
