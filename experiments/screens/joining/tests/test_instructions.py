"""The instructions: read once before the first case, and there at any time."""

from experiments.models import Enrolment
from experiments.screens.joining.tests import helpers
from experiments.tests import factories


def test_they_are_there_before_and_after(study, reader, reading):
    assert "as you would on your ward" in reading.get(helpers.page(study, "instructions")).content.decode()
    assert "I have read it" not in reading.get(helpers.page(study, "instructions")).content.decode()
    reading.post(helpers.page(study, "consent"), helpers.signature(study))
    reading.post(helpers.page(study, "intake"), helpers.about(study))
    assert "I have read it" in reading.get(helpers.page(study, "instructions")).content.decode()
    response = reading.post(helpers.page(study, "instructions"))
    assert response.url == helpers.page(study, "training")
    assert "I have read it" not in reading.get(helpers.page(study, "instructions")).content.decode()


def test_the_first_time_is_kept(study, reader, reading):
    helpers.joined(study, reader, reading)
    first = Enrolment.objects.get(pk=reader.pk).instructions_read_at
    assert first is not None
    reading.post(helpers.page(study, "instructions"))
    assert Enrolment.objects.get(pk=reader.pk).instructions_read_at == first


def test_nobody_reads_them_in_place_of_the_consent(study, reader, reading):
    reading.post(helpers.page(study, "instructions"))
    assert Enrolment.objects.get(pk=reader.pk).instructions_read_at is None


def test_a_study_without_has_no_such_page(owner, clinician, reading_of):
    study = factories.make_study(by=owner)
    factories.make_enrolment(study, clinician)
    assert reading_of(clinician).get(helpers.page(study, "instructions")).status_code == 404
