from participants.models.api_key import KEY_VERBS, ApiKey
from participants.models.invitation import Invitation
from participants.models.profile import Profile
from participants.models.token import RefreshUse, TokenFamily
from participants.models.user import User

__all__ = ["KEY_VERBS", "ApiKey", "Invitation", "Profile", "RefreshUse", "TokenFamily", "User"]
