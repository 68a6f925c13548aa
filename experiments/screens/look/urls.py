from django.urls import path

from experiments.screens.look import cases, views

urlpatterns = [
    path("<str:secret>/", views.Overview.as_view(), name="look"),
    path("<str:secret>/consent/", views.Consent.as_view(), name="look_consent"),
    path("<str:secret>/about/", views.Intake.as_view(), name="look_intake"),
    path("<str:secret>/instructions/", views.Instructions.as_view(), name="look_instructions"),
    path("<str:secret>/practice/", cases.Practice.as_view(), name="look_practice"),
    path("<str:secret>/practice/<int:stage>/", cases.PracticeCase.as_view(), name="look_practice_case"),
    path("<str:secret>/<str:letter>/<int:case>/<int:stage>/", cases.Case.as_view(), name="look_case"),
]
