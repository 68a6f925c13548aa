from participants.models.invitation import Invitation
from participants.models.profile import Profile
from participants.models.token import RefreshUse, TokenFamily
from participants.models.user import User

__all__ = ["Invitation", "Profile", "RefreshUse", "TokenFamily", "User"]
