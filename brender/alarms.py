"""Alarm rules, alarms, loggers, their lines and letters as tables.

It must not know what an alarm is, nor when a letter leaves.
"""

from __future__ import annotations

from peewee import SQL, BigIntegerField, BooleanField, DoubleField, IntegerField, JSONField, Model, TextField


class AlarmRuleRow(Model):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    source = TextField()
    selector = JSONField()
    condition = TextField()
    threshold = DoubleField()
    lasting = DoubleField()
    clear = DoubleField(null=True)
    level = TextField()
    logger = TextField()
    runbook = TextField()
    enabled = BooleanField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "alarm_rule"


class AlarmRow(Model):
    """No foreign keys: what an alarm was about may be gone while the alarm is history."""

    id = BigIntegerField(primary_key=True)
    rule_id = BigIntegerField()
    subject = TextField()
    subject_id = BigIntegerField()
    about = TextField()
    said = TextField()
    worker_id = BigIntegerField()
    state = TextField()
    value = DoubleField(null=True)
    level = TextField()
    muted = BooleanField()
    count = IntegerField()
    since = DoubleField()
    fired_at = DoubleField(null=True)
    resolved_at = DoubleField(null=True)
    acked_by = TextField()
    skipped_until = DoubleField(null=True)
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "alarm"


class LoggerRow(Model):
    id = BigIntegerField(primary_key=True)
    name = TextField()
    levels = JSONField()
    sinks = JSONField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "logger"


class RecordRow(Model):
    id = BigIntegerField(primary_key=True)
    logger_id = BigIntegerField()
    level = TextField()
    schedule = TextField()
    text = TextField()
    host = TextField()
    mac = TextField()
    data = JSONField()
    delivery_id = BigIntegerField()
    state = TextField()
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "record"


class DeliveryRow(Model):
    id = BigIntegerField(primary_key=True)
    logger_id = BigIntegerField()
    schedule = TextField()
    level = TextField()
    message_id = TextField()
    state = TextField()
    attempts = IntegerField()
    next_at = DoubleField()
    expires_at = DoubleField()
    holder = TextField()
    done = JSONField()
    refused = JSONField()
    error = TextField()
    sent_at = DoubleField(null=True)
    created_at = DoubleField()
    modified_at = DoubleField()
    version = IntegerField()

    class Meta:
        table_name = "delivery"


# Rows that a farm has in memory; the literal text is the predicate of an index and of the load (rebuild.py).
LIVE = {"alarm": "state <> 'resolved'", "record": "state <> 'over'", "delivery": "state <> 'sent'"}
for _model in (AlarmRow, RecordRow, DeliveryRow):
    _name = _model._meta.table_name
    _model.add_index(_model.index(_model.state, name=f"{_name}_live", where=SQL(LIVE[_name])))
