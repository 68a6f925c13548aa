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
from participants.actions.api_keys import NewKey, create_api_key, revoke_api_key
from participants.actions.epoch import raise_epoch
from participants.actions.invitations import accept_invitation, find_invitation, invite, revoke_invitation
from participants.actions.passwords import find_reset, request_password_reset, reset_password
from participants.actions.second_factor import (
    begin_second_factor,
    confirm_second_factor,
    disable_second_factor,
    renew_recovery_codes,
    reset_second_factor,
    use_second_factor,
)
from participants.actions.sign_up import on_roster, request_client_link, sign_up, signs_up_by_link

__all__ = [
    "OWN_FIELDS",
    "NewKey",
    "accept_invitation",
    "begin_second_factor",
    "change_address",
    "change_global_role",
    "change_password",
    "change_profile",
    "confirm_second_factor",
    "create_account",
    "create_api_key",
    "deactivate",
    "disable_second_factor",
    "find_invitation",
    "find_reset",
    "invite",
    "on_roster",
    "raise_epoch",
    "reactivate",
    "renew_recovery_codes",
    "request_client_link",
    "request_password_reset",
    "reset_password",
    "reset_second_factor",
    "revoke_api_key",
    "revoke_invitation",
    "sign_out_everywhere",
    "sign_up",
    "signs_up_by_link",
    "use_second_factor",
]
