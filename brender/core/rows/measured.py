"""The rows of what is measured. Data only, no rule: brender/inventory.py keeps the same fields on the disk.

It must not know samples: those are no rows, and no part of a turn.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field


class Device(Struct):
    """What is measured at: a machine, a GPU, a sensor. `driver` is the entry point of the probe that asks it."""

    id: int
    name: str
    worker_id: int = 0  # the machine it is part of; 0: any manager reaches it
    description: str = ""
    vendor_id: str = ""  # of PCI or USB, 4 hex digits each
    product_id: str = ""
    driver: str = ""  # pyClass
    config: dict[str, Any] = field(default_factory=dict)  # pyConf
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Key(Struct):
    """What is measured, and in what unit. What a probe says is kept as (value + add) * mul."""

    id: int
    name: str
    unit: str = ""
    description: str = ""
    kind: str = "gauge"  # gauge | counter | text | bool | vector
    mul: float = 1.0
    add: float = 0.0
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1


class Channel(Struct):
    """One key of one device, asked again and again by the manager that hosts it. Its samples are no rows."""

    id: int
    name: str
    short_name: str = ""
    device_id: int = 0  # 0: nobody is asked; its type makes the values, or they come by `reading put`
    key_id: int = 0
    type: str = "scalar"  # which values are kept: lifecycle.CHANNEL_TYPES
    params: dict[str, Any] = field(default_factory=dict)
    placement: str = "floating"  # pinned | floating
    manager_id: int = 0  # the worker that hosts it; 0: nobody yet
    group: str = ""  # of that manager
    state: str = "new"
    error: str = ""  # why it is not logging
    labels: dict[str, str] = field(default_factory=dict)
    started_at: float | None = None
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1
