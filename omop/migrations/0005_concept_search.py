from django.db import migrations, models

from omop.concept_search_index import MakeConceptSearch


class Migration(migrations.Migration):
    """Search of concepts by parts of their names; vocabulary indexes for tens of millions of rows."""

    dependencies = [("omop", "0004_append_only_import_runs")]

    operations = [
        migrations.RemoveIndex(model_name="conceptrelationship", name="idx_concept_relationship_id_3"),
        migrations.RemoveIndex(model_name="conceptancestor", name="idx_concept_ancestor_id_1"),
        migrations.AddIndex(
            model_name="conceptancestor",
            index=models.Index(
                fields=["ancestor_concept_id", "descendant_concept_id"], name="idx_concept_ancestor_id_1"
            ),
        ),
        MakeConceptSearch(),
    ]
