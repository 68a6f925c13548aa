"""The small study of the tests is a whole one."""

from experiments.models import Assignment, Review


def test_the_study_is_active_and_the_enrolled_person_is_drawn(study, enrolled):
    assert study.status == "active"
    assert study.protocol.number == 1
    assert Assignment.objects.filter(enrolment=enrolled).count() == 4
    stages = {"without-advice": 1, "with-advice": 1, "advice-afterwards": 2}
    for assignment in Assignment.objects.filter(enrolment=enrolled):
        assert Review.objects.filter(assignment=assignment).count() == stages[assignment.arm.key]
