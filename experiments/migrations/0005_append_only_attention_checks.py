from django.db import migrations

from augmed.foundation.append_only import AppendOnly, RenewAppendOnly


class Migration(migrations.Migration):
    """The tables that 0004 made, and those it altered: SQLite makes an altered table anew, without its triggers."""

    dependencies = [("experiments", "0004_attention_checks_and_what_came_from_augmed")]
    operations = [
        AppendOnly(
            "experiments_attentioncheck",
            "experiments_attentioncheckanswer",
            "experiments_allocationrequest",
        ),
        RenewAppendOnly(
            "experiments_protocolversion",
            "experiments_allocationrun",
            "experiments_assignment",
            "experiments_reviewopening",
        ),
    ]
