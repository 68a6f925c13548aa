from django.db import migrations

from augmed.foundation.append_only import AppendOnly, RenewAppendOnly


class Migration(migrations.Migration):
    """The tables that 0007 made, and those it altered: SQLite makes an altered table anew, without its triggers."""

    dependencies = [("experiments", "0007_clinicians_screens")]
    operations = [
        AppendOnly(
            "experiments_consentdocument",
            "experiments_consentsignature",
            "experiments_intakesubmission",
            "experiments_intakeanswer",
            "experiments_reminder",
        ),
        RenewAppendOnly(
            "experiments_protocolstage",
            "experiments_reviewopening",
            "experiments_reviewevent",
        ),
    ]
