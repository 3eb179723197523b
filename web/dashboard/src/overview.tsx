/** How the server is doing: key figures, a minute of charts, every metric. */
import { useRef, useState } from "preact/hooks";
import { get } from "./api.js";
import { Chart } from "./chart.js";
import { ago, bytes, count, dateTime, micros } from "./format.js";
import { History } from "./history.js";
import { MetricTable } from "./metric_table.js";
import { hrefTo } from "./route.js";
import { newestFirst } from "./snapshots.js";
import { useLoaded } from "./state.js";
import { useTopic } from "./stream.js";
import type { Metrics, Page, Snapshot } from "./types.js";
import { frameHistory, frames, server } from "./world.js";

/** Sum over all labels of the counters that `pattern` names. */
function sumOf(metrics: Metrics, pattern: RegExp): number | null {
  const values = metrics.items.filter((m) => pattern.test(m.name)).map((m) => Number(m.value));
  return values.length === 0 ? null : values.reduce((a, b) => a + b, 0);
}

/** Messages per second in and out, from the growth of their counters. */
class MessageRate {
  readonly history = new History(["in", "out"], 600);
  private last: { time: number; counts: (number | null)[] } | null = null;

  push(metrics: Metrics): void {
    const time = Date.now() / 1000;
    const counts = [
      sumOf(metrics, /^reef_messages_(received|in)_total$/),
      sumOf(metrics, /^reef_messages_(sent|out)_total$/),
    ];
    const before = this.last;
    if (before && time - before.time < 0.9) return;
    this.last = { time, counts };
    if (!before) return;
    const rates = counts.map((now, i) => {
      const then = before.counts[i];
      if (now === null || then == null) return null;
      return Math.max(0, (now - then) / (time - before.time));
    });
    this.history.push(time, rates);
  }

  latest(i: number): number {
    return this.history.series[i]?.at(-1) ?? 0;
  }
}

function Tile(props: { label: string; value: string; note?: string; bad?: boolean }) {
  return (
    <div class={props.bad ? "tile bad" : "tile"}>
      <dt>{props.label}</dt>
      <dd>{props.value}</dd>
      {props.note && <dd class="note">{props.note}</dd>}
    </div>
  );
}

function SnapshotTile({ snapshots }: { snapshots: Snapshot[] | null }) {
  const newest = snapshots ? newestFirst(snapshots)[0] : undefined;
  if (!newest) {
    return <Tile label="Last snapshot" value={snapshots ? "none yet" : "–"} />;
  }
  if (newest.state !== "complete") {
    return (
      <Tile label="Last snapshot" value={newest.state} bad={newest.state === "failed"} />
    );
  }
  return (
    <Tile
      label="Last snapshot"
      value={ago(newest.created_at, Date.now())}
      note={`${count(newest.entities)} entities, ${bytes(newest.bytes)}`}
    />
  );
}

export function Overview() {
  const [metrics, setMetrics] = useState<Metrics | null>(null);
  const rate = useRef<MessageRate | null>(null);
  rate.current ??= new MessageRate();
  const snapshots = useLoaded("snapshots", () => get<Page<Snapshot>>("/snapshots"));
  useTopic<Metrics>("metrics", (data) => {
    rate.current?.push(data);
    setMetrics(data);
  });
  useTopic<Page<Snapshot>>("snapshots", snapshots.set);
  const live = frames.value;
  const tickBudget = live && live.tick_rate > 0 ? 1e6 / live.tick_rate : null;
  const load = live && tickBudget ? (live.frame_us / tickBudget) * 100 : null;
  const { history } = rate.current;
  return (
    <>
      <h1>Overview</h1>
      <dl class="tiles">
        <Tile
          label="Frame time"
          value={micros(live?.frame_us)}
          note={load === null ? "" : `${load.toFixed(1)} % of a tick`}
          bad={load !== null && load > 100}
        />
        <Tile label="Entities" value={count(live?.entities)} />
        <Tile label="Clients" value={count(live?.clients)} />
        <Tile
          label="Messages"
          value={`${count(rate.current.latest(0))} /s in`}
          note={`${count(rate.current.latest(1))} /s out`}
        />
        <SnapshotTile snapshots={snapshots.data?.items ?? null} />
      </dl>
      <div class="charts">
        <Chart
          title="Frame time"
          history={frameHistory}
          series={[{ index: 0, label: "one frame", color: "--accent" }]}
          format={micros}
        />
        <Chart
          title="Messages per second"
          history={history}
          series={[
            { index: 0, label: "in", color: "--accent" },
            { index: 1, label: "out", color: "--coral" },
          ]}
          format={count}
        />
        <Chart
          title="Entities"
          history={frameHistory}
          series={[{ index: 1, label: "alive", color: "--violet" }]}
          format={count}
        />
        <Chart
          title="Clients"
          history={frameHistory}
          series={[{ index: 2, label: "connected", color: "--accent" }]}
          format={count}
        />
      </div>
      <Listeners />
      <Certificates />
      <MetricTable metrics={metrics} />
      {live && live.clients === 0 && (
        <p class="muted">
          Nobody is connected. Once somebody is, they are listed under{" "}
          <a href={hrefTo("clients")}>Clients</a>.
        </p>
      )}
    </>
  );
}

function Certificates() {
  const certificates = server.value?.certificates ?? [];
  if (certificates.length === 0) return null;
  return (
    <section class="card certificates">
      <h2>Certificates</h2>
      <ul>
        {certificates.map((c) => (
          <li key={c.transport}>
            <span class="tag">{c.transport}</span> {c.subject}{" "}
            <span class="muted">
              until {dateTime(c.not_after)}
              {c.dev && ", made by the server for development"}
            </span>
            <div>
              SHA-256 <code>{c.sha256}</code>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Listeners() {
  const listeners = server.value?.listeners ?? [];
  if (listeners.length === 0) return null;
  return (
    <section class="card listeners">
      <h2>Listening on</h2>
      <ul>
        {listeners.map((l) => (
          <li key={`${l.transport} ${l.addr}`}>
            <span class="tag">{l.transport}</span> <code>{l.addr}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}
