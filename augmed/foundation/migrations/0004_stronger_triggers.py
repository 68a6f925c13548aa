from django.db import migrations

from augmed.foundation.append_only import RenewAppendOnly


class Migration(migrations.Migration):
    dependencies = [("foundation", "0003_audit_by_time_and_cache_table")]
    operations = [RenewAppendOnly("foundation_auditevent")]
