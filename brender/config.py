"""Timers, limits and places of a farm, each with its default and its reason. It reads no file and no environment."""

from __future__ import annotations

from msgspec import Struct


class Settings(Struct, frozen=True):
    """All times in seconds on a monotonic clock; sources: CONTRACT 4.3 and 4.9."""

    heartbeat: float = 5.0
    heartbeats_per_second: float = 200.0  # of the whole farm; more workers speak less often
    suspect_after: float = 15.0  # no word for so long: no new work
    lost_after: float = 45.0  # no word for so long: its tasks are given to others
    gone_after: float = 15.0  # the connection is gone and nobody came back
    boot_grace: float = 60.0  # after a start nobody is declared dead before this
    pause_gap: float = 5.0  # a gap between ticks longer than this was the master's own sleep
    ahead_seconds: float = 0.025  # work sent ahead to a slot, where the step's tasks are short
    waiting_limit: float = 600.0  # how long a task may forbid its own stop, unless it names another limit
    longest_wait: float = 86_400.0  # and no longer than this: whoever forgets to end it must not hold a job for ever
    most_ahead: int = 256  # orders ahead of a slot, however short the tasks
    bundle_seconds: float = 60.0  # work for one process of a step with chunk=auto: long beside its start
    recall_after: float = 0.05  # what takes or waits longer is taken back from a queue for an idle slot
    assign_at_once: int = 512  # assignments in one turn: bounds the hub's slice
    host_grace: float = 0.75  # a manager's connection is gone: it may come back before others get its channels
    census_seconds: float = 1.0  # managers have so long to say how many channels they have; then the last known counts
    clock_skew: float = 2.0  # a worker's clock that differs by more is told: its readings have wrong times (RM-53)
    inventory_poll: float = 10.0  # whether somebody edited devices, keys or channels in the database (RM-37)
    misfire_grace: float = 60.0  # a schedule that is late by no more than this is in time, unless it is due again
    shortest_period: float = 1.0  # of a schedule: each run is a commit
    schedules: int = 10_000
    ended_schedules: int = 100  # of those that are over so many stay to be looked at
    kept_runs: int = 20_000  # what became of schedules: so many in all, each its share of them
    kept_runs_each: int = 500  # and no more than that
    kept_runs_for: float = 7_776_000.0  # 90 days
    clock_correction: float = 10_800.0  # a clock set back by more had been wrong; by less, little runs twice
    mail_lease: float = 120.0  # who took a letter has so long to say what became of it; then it is offered again
    mail_backoff: float = 30.0  # after the first failure, doubled after each
    mail_backoff_most: float = 3600.0
    mail_patience: float = 259_200.0  # a letter that cannot be sent for three days is given up
    digest_lines: int = 1_000  # a digest that has so many leaves before its time
    instant_lines: int = 100  # lines that wait for the same sender leave in one letter
    failed_deliveries: int = 200  # given up and kept for `delivery retry`
    kept_records: int = 100_000  # rows on the disk of what is over
    kept_alarms: int = 20_000
    kept_deliveries: int = 20_000
    loggers: int = 1_000
    alarm_rules: int = 1_000
    feed_events: int = 10_000  # events kept for those who resume
    connections: int = 16_000
    connections_of_address: int = 512  # of one other machine; a flood from there leaves room for everybody else
    connections_of_loopback: int = 16_000  # of this machine, whose users own the farm: all that there are
    opening_seconds: float = 30.0  # for a first whole word of a program; a person who was greeted may take their time
    unsent_bytes: int = 1 << 20  # of events to one subscriber before the oldest are dropped
    web_address: str = "port 8060 once it runs: brender web"  # until a gateway has told where it is


DEFAULT = Settings()
PORT = 6000
