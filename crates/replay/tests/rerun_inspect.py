"""Tells what Rerun itself finds in a recording, as lines of text: `kind entity rows timelines`."""

import collections
import sys

from rerun.experimental import RrdReader

reader = RrdReader(sys.argv[1])
for store in reader.recordings():
    print("recording", store.application_id, store.recording_id)
    rows = collections.Counter()
    timelines = collections.defaultdict(set)
    components = collections.defaultdict(set)
    static = set()
    for chunk in reader.stream(store=store).to_chunks():
        names = chunk.to_record_batch().schema.names
        components[chunk.entity_path].update(name for name in names if ":" in name)
        if chunk.is_static:
            static.add(chunk.entity_path)
        else:
            rows[chunk.entity_path] += chunk.num_rows
            timelines[chunk.entity_path].update(chunk.timeline_names)
    for entity in sorted(rows):
        print("rows", entity, rows[entity], ",".join(sorted(timelines[entity])))
    for entity in sorted(static):
        print("static", entity)
    for entity in sorted(components):
        print("components", entity, ",".join(sorted(components[entity])))
for store in reader.blueprints():
    views = {chunk.entity_path for chunk in reader.stream(store=store).to_chunks()}
    views = [view for view in views if view.startswith("/view/") and view.count("/") == 2]
    print("blueprint", store.application_id, len(views))
    for view in views:
        print("view", view)
