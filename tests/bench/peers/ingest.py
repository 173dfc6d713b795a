"""Peer of our ingest: mcap + protobuf decoding, a 20 Hz signal grid, Parquet by pyarrow.

Usage: ingest.py LANDING_FOLDER OUTPUT_FOLDER      Prints seconds.
"""

import bisect
import hashlib
import json
import pathlib
import sys
import time

import pyarrow as pa
import pyarrow.parquet as pq
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory

landing, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
output.mkdir(parents=True, exist_ok=True)
start = time.perf_counter()
for manifest_path in sorted(landing.rglob("*.json")):
    manifest = json.loads(manifest_path.read_text())
    data_path = manifest_path.with_suffix(".mcap")
    assert hashlib.sha256(data_path.read_bytes()).hexdigest() == manifest["sha256"]
    series, objects = {}, []
    with data_path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()], validate_crcs=True)
        topics = [s["topic"] for s in manifest["streams"] if s["topic"].startswith("/vss/") or s["topic"].endswith("/objects")]
        for schema, channel, message, decoded in reader.iter_decoded_messages(topics=topics):
            if channel.topic.startswith("/vss/"):
                series.setdefault(channel.topic[5:], ([], []))
                series[channel.topic[5:]][0].append(message.log_time)
                series[channel.topic[5:]][1].append(decoded.value)
            else:
                for o in decoded.objects:
                    objects.append((message.log_time, o.id, o.x_m, o.y_m, o.vx_mps, o.vy_mps, o.length_m, o.width_m))
    grid = range(manifest["start_ns"], manifest["end_ns"] + 1, 50_000_000)
    columns = {"boot_ns": list(grid)}
    for name, (times, values) in series.items():
        column = []
        for t in grid:
            at = bisect.bisect_right(times, t) - 1
            column.append(values[at] if at >= 0 and t - times[at] <= 1_000_000_000 else None)
        columns[name] = column
    pq.write_table(pa.table(columns), output / f"{manifest['clip']}.signals.parquet", compression="zstd")
    if objects:
        names = ["boot_ns", "object_id", "x_m", "y_m", "vx_mps", "vy_mps", "length_m", "width_m"]
        pq.write_table(pa.table(dict(zip(names, zip(*objects)))), output / f"{manifest['clip']}.objects.parquet", compression="zstd")
    (output / f"{manifest['clip']}.mcap").write_bytes(data_path.read_bytes())
print(time.perf_counter() - start)
