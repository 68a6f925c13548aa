from participants.actions.accounts import (
    OWN_FIELDS,
    change_address,
    change_global_role,
    change_password,
    change_profile,
    create_account,
    deactivate,
    reactivate,
    sign_out_everywhere,
)
from participants.actions.epoch import raise_epoch
from participants.actions.invitations import accept_invitation, find_invitation, invite, revoke_invitation
from participants.actions.passwords import find_reset, request_password_reset, reset_password

__all__ = [
    "OWN_FIELDS",
    "accept_invitation",
    "change_address",
    "change_global_role",
    "change_password",
    "change_profile",
    "create_account",
    "deactivate",
    "find_invitation",
    "find_reset",
    "invite",
    "raise_epoch",
    "reactivate",
    "request_password_reset",
    "reset_password",
    "revoke_invitation",
    "sign_out_everywhere",
]
