/** Snapshots of the world: take one, or go back to one. */
import { useState } from "preact/hooks";
import { get, messageOf, request } from "./api.js";
import { Dialog, notify } from "./dialog.js";
import { ago, bytes, count, dateTime } from "./format.js";
import { Icon } from "./icon.js";
import { canOperate, canRestore } from "./session.js";
import { Empty, Pending, useLoaded } from "./state.js";
import { useTopic } from "./stream.js";
import type { Page, Restored, Snapshot } from "./types.js";

const reasons: Record<Snapshot["reason"], string> = {
  interval: "interval",
  demand: "on demand",
  shutdown: "shutdown",
  before_restore: "before a restore",
};

const stateClasses: Record<Snapshot["state"], string> = {
  complete: "tag good",
  writing: "tag warn",
  failed: "tag bad",
};

export const newestFirst = (snapshots: Snapshot[]): Snapshot[] =>
  [...snapshots].sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at));

function RestoreDialog({ snapshot, onClose }: { snapshot: Snapshot; onClose: () => void }) {
  const restore = async () => {
    const path = `/snapshots/${encodeURIComponent(snapshot.id)}:restore`;
    const done = await request<Restored>("POST", path, { body: {} });
    const warnings = done.warnings.length > 0 ? ` ${done.warnings.join(" ")}` : "";
    notify(
      `Restored ${count(done.entities)} entities at tick ${count(done.applied_tick)}.${warnings}`,
      done.warnings.length > 0,
    );
  };
  return (
    <Dialog
      title="Restore this snapshot?"
      action="Restore"
      danger
      onAct={restore}
      onClose={onClose}
    >
      <p>
        The world goes back to tick <strong>{count(snapshot.tick)}</strong> of{" "}
        {dateTime(snapshot.created_at)}, with {count(snapshot.entities)} entities. The present
        world is kept as a snapshot first.
      </p>
    </Dialog>
  );
}

function Row({ snapshot, onRestore }: { snapshot: Snapshot; onRestore: () => void }) {
  return (
    <tr>
      <th scope="row">
        <time dateTime={snapshot.created_at}>{dateTime(snapshot.created_at)}</time>
      </th>
      <td class="muted">{ago(snapshot.created_at, Date.now())}</td>
      <td>
        <span class={stateClasses[snapshot.state]}>{snapshot.state}</span>
      </td>
      <td>{reasons[snapshot.reason] ?? snapshot.reason}</td>
      <td class="number">{count(snapshot.tick)}</td>
      <td class="number">{count(snapshot.entities)}</td>
      <td class="number">{bytes(snapshot.bytes)}</td>
      {canRestore.value && (
        <td class="act">
          <button
            type="button"
            class="small"
            disabled={snapshot.state !== "complete"}
            onClick={onRestore}
            aria-label={`Restore the snapshot of tick ${snapshot.tick}`}
          >
            Restore
          </button>
        </td>
      )}
    </tr>
  );
}

function Table(props: { snapshots: Snapshot[]; onRestore: (snapshot: Snapshot) => void }) {
  return (
    <div class="card scroll" tabIndex={0} role="region" aria-label="Snapshots">
      <table>
        <thead>
          <tr>
            <th scope="col">Taken</th>
            <th scope="col">Age</th>
            <th scope="col">State</th>
            <th scope="col">Reason</th>
            {["Tick", "Entities", "Size"].map((title) => (
              <th key={title} scope="col" class="number">
                {title}
              </th>
            ))}
            {canRestore.value && (
              <th scope="col">
                <span class="hidden">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {props.snapshots.map((snapshot) => (
            <Row
              key={snapshot.id}
              snapshot={snapshot}
              onRestore={() => props.onRestore(snapshot)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Snapshots() {
  const loaded = useLoaded("snapshots", () => get<Page<Snapshot>>("/snapshots?limit=1000"));
  const [restoring, setRestoring] = useState<Snapshot | null>(null);
  const [taking, setTaking] = useState(false);
  useTopic<Page<Snapshot>>("snapshots", loaded.set);
  const take = async () => {
    setTaking(true);
    try {
      await request("POST", "/snapshots", { body: {} });
      notify("Snapshot taken.");
      loaded.reload();
    } catch (problem) {
      notify(messageOf(problem), true);
    }
    setTaking(false);
  };
  const snapshots = newestFirst(loaded.data?.items ?? []);
  return (
    <>
      <div class="heading">
        <h1>Snapshots</h1>
        {canOperate.value && (
          <button type="button" class="primary" disabled={taking} onClick={() => void take()}>
            <Icon name="snapshots" /> {taking ? "Taking…" : "Take snapshot"}
          </button>
        )}
      </div>
      {!loaded.data || loaded.error ? (
        <Pending loaded={loaded} />
      ) : snapshots.length === 0 ? (
        <Empty title="No snapshots yet">
          They are taken at an interval, at shutdown and whenever you ask for one.
        </Empty>
      ) : (
        <Table snapshots={snapshots} onRestore={setRestoring} />
      )}
      {restoring && <RestoreDialog snapshot={restoring} onClose={() => setRestoring(null)} />}
    </>
  );
}
