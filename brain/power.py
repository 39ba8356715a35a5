"""Where the machine's power comes from, and how many threads suit it. It changes nothing."""

from __future__ import annotations


def is_on_battery() -> bool:
    """Whether the machine runs on its battery now; False where it has none or does not tell."""
    import psutil

    try:
        battery = psutil.sensors_battery()
    except (AttributeError, OSError, ValueError, RuntimeError):  # no such sensor on this system, or one that lies
        return False
    return battery is not None and battery.power_plugged is False


def fitting_threads(cores: int, *, on_battery: bool) -> int:
    """How many threads indexing should take: all cores on mains, half of them on battery."""
    return max(1, cores // 2) if on_battery else cores
