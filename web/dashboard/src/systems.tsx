/** Systems in the order in which they run, with their timings. */
import { useRef } from "preact/hooks";
import { get } from "./api.js";
import { count, micros } from "./format.js";
import { Sparkline } from "./sparkline.js";
import { Empty, Pending, useLoaded } from "./state.js";
import { useTopic } from "./stream.js";
import type { Page, System } from "./types.js";

const keptRuns = 60;

const keyOf = (system: System) => `${system.schedule} ${system.name}`;

function Access({ system }: { system: System }) {
  return (
    <div class="access">
      {system.exclusive && (
        <span class="tag" title="runs alone, may touch the whole world">
          exclusive
        </span>
      )}
      {system.parallel && (
        <span class="tag" title="runs on several slices at the same time">
          parallel
        </span>
      )}
      {system.reads.map((name) => (
        <span key={`r ${name}`} class="tag reads" title={`reads ${name}`}>
          {name}
        </span>
      ))}
      {system.writes.map((name) => (
        <span key={`w ${name}`} class="tag writes" title={`writes ${name}`}>
          {name}
        </span>
      ))}
    </div>
  );
}

function Row({ system, runs }: { system: System; runs: number[] }) {
  return (
    <tr class={system.enabled ? "" : "off"}>
      <td class="number muted" title={`place ${system.order} of its schedule`}>
        {system.stage}
      </td>
      <th scope="row">
        {system.name}
        {!system.enabled && <span class="tag warn">disabled</span>}
        <Access system={system} />
      </th>
      <td>
        <span class={`tag schedule ${system.schedule}`}>{system.schedule}</span>
      </td>
      <td class="muted">{system.plugin}</td>
      <td class="spark">
        <Sparkline values={runs} />
      </td>
      <td class="number">{micros(system.last_us)}</td>
      <td class="number">{micros(system.mean_us)}</td>
      <td class="number">{micros(system.p50_us)}</td>
      <td class="number">{micros(system.p99_us)}</td>
      <td class="number">{micros(system.max_us)}</td>
      <td class="number muted">{count(system.count)}</td>
    </tr>
  );
}

export function Systems() {
  const loaded = useLoaded("systems", () => get<Page<System>>("/systems?limit=1000"));
  const runs = useRef(new Map<string, number[]>());
  const record = (systems: System[]) => {
    for (const system of systems) {
      const kept = runs.current.get(keyOf(system)) ?? [];
      kept.push(system.last_us);
      if (kept.length > keptRuns) kept.shift();
      runs.current.set(keyOf(system), kept);
    }
  };
  useTopic<Page<System>>("systems", (live) => {
    record(live.items);
    loaded.set(live);
  });
  const systems = loaded.data?.items ?? [];
  return (
    <>
      <div class="heading">
        <h1>Systems</h1>
        <p class="muted keys">
          <span class="tag reads">reads</span> <span class="tag writes">writes</span>
        </p>
      </div>
      {!loaded.data || loaded.error ? (
        <Pending loaded={loaded} />
      ) : systems.length === 0 ? (
        <Empty title="No systems">Plugins and applications add them at the start.</Empty>
      ) : (
        <div class="card scroll" tabIndex={0} role="region" aria-label="Systems">
          <table class="systems">
            <thead>
              <tr>
                <th
                  scope="col"
                  class="number"
                  title="systems of one stage may run at the same time"
                >
                  Stage
                </th>
                <th scope="col">System</th>
                <th scope="col">Schedule</th>
                <th scope="col">Plugin</th>
                <th scope="col">Lately</th>
                {["Last", "Mean", "p50", "p99", "Max", "Runs"].map((title) => (
                  <th key={title} scope="col" class="number">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {systems.map((system) => (
                <Row
                  key={keyOf(system)}
                  system={system}
                  runs={runs.current.get(keyOf(system)) ?? []}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
