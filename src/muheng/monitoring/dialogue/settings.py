"""How the host behaves: the standard's figures where it gives any, else what has proved sensible. Seconds, if not said otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """``first_contact``: whether a device is told time, time-outs and intervals when it is seen first (HJ 212-2017, 6.7)."""

    overtime: int = 10
    """Until a request is answered; then it is sent again."""
    recount: int = 3
    """So many times."""
    execution: int = 60
    """Until a request that was accepted is carried out, counted anew with each upload that it brings."""
    ask_execution: int = 600
    """The same for what people ask: taking a sample takes its time."""
    first_contact: bool = True
    keep_clocks: bool = True
    clock_tolerance: int = 60
    clock_samples: int = 5
    clock_every: int = 3600
    """At most so often is a device told the time because its clock was off."""
    fill_gaps: bool = True
    gap_pause: int = 60
    """So long nothing is asked for after data came late: the device is still catching up by itself."""
    gap_retry: int = 1800
    gap_requests_a_day: int = 48
    most_refused: int = 3
    """Sound frames of unknown devices, where the connection has no known one, or with a wrong password: then it is closed."""
    most_broken: int = 100
    """Frames on end that cannot be used."""
    most_noise: int = 1 << 20
    """Bytes on end that belong to no frame."""
    most_quarantined: int = 1000
    """Refused frames a minute that are kept, a long one counted again for each KiB; more are only counted, so that nobody
    fills the disk."""
    greeting: int = 900
    """Until a connection has brought a frame of a known device."""
    idle: int = 3900
    """Without a frame; the standard lets real-time data come as seldom as every 3600 s."""
    repeats: int = 512
    """Packets of each device that are recognised when they come again."""
    ask_wait: int = 60
    """Until what a person asks is given up because the device is not connected."""
