from django.db import migrations

from augmed.foundation.append_only import RenewAppendOnly
from augmed.foundation.frozen import FrozenBy


class Migration(migrations.Migration):
    dependencies = [("cases", "0003_layout_node_relationships"), ("foundation", "0004_stronger_triggers")]
    operations = [
        RenewAppendOnly("cases_casesnapshot", "cases_snapshotfeature"),
        FrozenBy("cases_layoutversion"),
        FrozenBy("cases_layoutnode", "cases_layoutversion", "version_id"),
    ]
