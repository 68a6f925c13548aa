from django.urls import path

from experiments.screens.joining.consent import Consent, Withdraw
from experiments.screens.joining.materials import Instructions, Intake
from experiments.screens.joining.training import Training

urlpatterns = [
    path("consent/", Consent.as_view(), name="study_consent"),
    path("intake/", Intake.as_view(), name="study_intake"),
    path("instructions/", Instructions.as_view(), name="study_instructions"),
    path("training/", Training.as_view(), name="study_training"),
    path("withdraw/", Withdraw.as_view(), name="study_withdraw"),
]
