"""Peer of our decoder and trigger engine: python-can messages, cantools decoding, the same five conditions in Python.

Usage: can_decode.py CANDUMP_LOG SECONDS DBC...      Prints frames per second. Reading the log is not timed.
"""

import sys
import time

import can
import cantools

log, seconds, dbcs = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
database = cantools.database.Database(strict=False)
for path in dbcs:
    database.add_dbc_file(path, encoding="utf-8")
messages = list(can.LogReader(log))
known = {message.frame_id for message in database.messages}
latest = {}
fired = 0


def rules():
    """Hard brake, swerve, short gap, cut-in and cruise transition over the latest values."""
    get = latest.get
    return (
        (get("LONG_ACCEL", 0.0) < -5.0)
        + (abs(get("LAT_ACCEL", 0.0)) > 4.0)
        + (get("SPEED", 0.0) > 60.0 and get("DISTANCE", 1e9) / max(get("SPEED", 0.0) / 3.6, 0.1) < 1.0)
        + (get("DISTANCE", 1e9) < 20.0 and get("LATERAL", 9.0) < 1.0)
        + bool(get("CRUISE_ACTIVE", 0.0))
    )


frames = 0
start = time.perf_counter()
while time.perf_counter() - start < seconds:
    for message in messages:
        frames += 1
        if message.arbitration_id in known:
            try:
                latest.update(database.decode_message(message.arbitration_id, message.data, decode_choices=False))
            except Exception:  # a multiplexor value without a branch, or a short frame: skipped by ours too
                continue
            fired += rules()
    if time.perf_counter() - start > seconds:
        break
print(frames / (time.perf_counter() - start))
