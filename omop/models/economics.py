"""Health economics: insurance and cost."""

# ruff: noqa: DJ001 - in the CDM an absent text is NULL, never an empty string.

from django.db import models

from omop.fields import FreeNumericField
from omop.models.base import CdmTable


class PayerPlanPeriod(CdmTable):
    """A span in which a person is covered by a plan."""

    payer_plan_period_id = models.BigIntegerField(primary_key=True)
    person_id = models.BigIntegerField()
    payer_plan_period_start_date = models.DateField()
    payer_plan_period_end_date = models.DateField()
    payer_concept_id = models.BigIntegerField(null=True, blank=True)
    payer_source_value = models.CharField(max_length=50, null=True, blank=True)
    payer_source_concept_id = models.BigIntegerField(null=True, blank=True)
    plan_concept_id = models.BigIntegerField(null=True, blank=True)
    plan_source_value = models.CharField(max_length=50, null=True, blank=True)
    plan_source_concept_id = models.BigIntegerField(null=True, blank=True)
    sponsor_concept_id = models.BigIntegerField(null=True, blank=True)
    sponsor_source_value = models.CharField(max_length=50, null=True, blank=True)
    sponsor_source_concept_id = models.BigIntegerField(null=True, blank=True)
    family_source_value = models.CharField(max_length=50, null=True, blank=True)
    stop_reason_concept_id = models.BigIntegerField(null=True, blank=True)
    stop_reason_source_value = models.CharField(max_length=50, null=True, blank=True)
    stop_reason_source_concept_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        db_table = "payer_plan_period"
        verbose_name = "payer plan period"
        verbose_name_plural = "payer plan periods"
        indexes = [models.Index(fields=["person_id"], name="idx_period_person_id_1")]

    def __str__(self) -> str:
        return f"payer plan period {self.payer_plan_period_id}"


class Cost(CdmTable):
    """What one event cost, and who paid."""

    cost_id = models.BigIntegerField(primary_key=True)
    cost_event_id = models.BigIntegerField()
    cost_domain_id = models.CharField(max_length=20)
    cost_type_concept_id = models.BigIntegerField()
    currency_concept_id = models.BigIntegerField(null=True, blank=True)
    total_charge = FreeNumericField(null=True, blank=True)
    total_cost = FreeNumericField(null=True, blank=True)
    total_paid = FreeNumericField(null=True, blank=True)
    paid_by_payer = FreeNumericField(null=True, blank=True)
    paid_by_patient = FreeNumericField(null=True, blank=True)
    paid_patient_copay = FreeNumericField(null=True, blank=True)
    paid_patient_coinsurance = FreeNumericField(null=True, blank=True)
    paid_patient_deductible = FreeNumericField(null=True, blank=True)
    paid_by_primary = FreeNumericField(null=True, blank=True)
    paid_ingredient_cost = FreeNumericField(null=True, blank=True)
    paid_dispensing_fee = FreeNumericField(null=True, blank=True)
    payer_plan_period_id = models.BigIntegerField(null=True, blank=True)
    amount_allowed = FreeNumericField(null=True, blank=True)
    revenue_code_concept_id = models.BigIntegerField(null=True, blank=True)
    revenue_code_source_value = models.CharField(max_length=50, null=True, blank=True)
    drg_concept_id = models.BigIntegerField(null=True, blank=True)
    drg_source_value = models.CharField(max_length=3, null=True, blank=True)

    class Meta:
        db_table = "cost"
        verbose_name = "cost"
        verbose_name_plural = "costs"
        indexes = [models.Index(fields=["cost_event_id"], name="idx_cost_event_id")]

    def __str__(self) -> str:
        return f"cost {self.cost_id}"
