/**
 * @file snapshot.h
 * @brief Plugin `snapshot`: the world survives restarts in an SQLite file.
 *
 * Persistent components of entities of REEF_RANGE_WORLD and persistent resources are
 * stored every interval, on demand, before a restore and at shutdown, together with
 * the allocator of entity ids; entities of sessions are not.  At the start the newest
 * complete snapshot is put back: same entities, same ids, same values, and the tick
 * goes on.  A damaged one is reported and the one before is taken; when there are
 * snapshots but none can be read, the start is refused.
 *
 * Components are matched by name and fields by name, so a struct may change between
 * two starts: a new field gets its initial value, a field that is gone is reported,
 * numbers of another width, enums and texts are converted where nothing is lost.  The
 * counter of client ids never goes back, and the length of a tick stays as configured.
 * Component types must be registered during build(), or what is stored of them is
 * reported as unknown.
 *
 * The file holds values as they lie in memory: it is for one byte order.  While a
 * server runs it is locked: another one on the same file refuses to start.  When the
 * snapshot of the shutdown cannot be stored the exit code is 1.
 *
 * Offers REEF_SNAPSHOT_SERVICE (snapshot_service.h).  Plugins that use it from threads
 * of their own are added after this one, so that they are cleaned up before it.
 *
 * Metrics: reef_snapshots_total{result="complete|failed|skipped"},
 * reef_snapshot_last_success_timestamp_seconds, reef_snapshot_capture_seconds,
 * reef_snapshot_bytes.
 */
#ifndef REEF_SNAPSHOT_H
#define REEF_SNAPSHOT_H

#include <reef/plugin.h>
#include <reef/reflect.h>

REEF_COMPONENT(snapshot_config,
               0,
               REEF_STRING(path,
                           1024,
                           .initial = "reef.db",
                           .doc = "database file, made when it is not there"),
               REEF_U32(interval_s,
                        .initial = "30",
                        .max = 86400,
                        .unit = "s",
                        .doc = "time between snapshots; 0 = none by time"),
               REEF_U32(keep,
                        .initial = "100",
                        .min = 1,
                        .max = 1000000,
                        .doc = "complete snapshots to keep, the newest ones"),
               REEF_BOOL(restore,
                         .initial = "true",
                         .doc = "put the newest snapshot back at the start"));

extern const reef_plugin_t reef_snapshot_plugin;

#endif /* REEF_SNAPSHOT_H */
