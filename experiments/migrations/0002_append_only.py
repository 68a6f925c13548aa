from django.db import migrations

from augmed.foundation.append_only import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("experiments", "0001_initial"), ("foundation", "0002_append_only")]
    operations = [
        AppendOnly(
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
        )
    ]
