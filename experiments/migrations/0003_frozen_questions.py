from django.db import migrations

from augmed.foundation.append_only import RenewAppendOnly
from augmed.foundation.frozen import FrozenBy


class Migration(migrations.Migration):
    dependencies = [("experiments", "0002_append_only"), ("foundation", "0004_stronger_triggers")]
    operations = [
        RenewAppendOnly(
            "experiments_experimenttransition",
            "experiments_disclosureset",
            "experiments_protocolversion",
            "experiments_protocolstage",
            "experiments_enrolmentevent",
            "experiments_consentrecord",
            "experiments_allocationrun",
            "experiments_allocationrunevent",
            "experiments_assignment",
            "experiments_assignmentdisclosure",
            "experiments_review",
            "experiments_reviewopening",
            "experiments_submission",
            "experiments_answer",
            "experiments_reviewevent",
            "experiments_adjudicatorreading",
            "experiments_referencestandard",
        ),
        FrozenBy("experiments_questionnaireversion"),
        FrozenBy("experiments_question", "experiments_questionnaireversion", "version_id"),
    ]
