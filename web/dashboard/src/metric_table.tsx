/** Every metric, as Prometheus would read it, in a table that can be searched. */
import { useState } from "preact/hooks";
import { short } from "./format.js";
import { Pending } from "./state.js";
import type { Metric, Metrics } from "./types.js";

function keyOf(metric: Metric): string {
  const labels = Object.entries(metric.labels ?? {}).map(([name, value]) => `${name}=${value}`);
  return `${metric.name} ${labels.join(" ")}`;
}

function Row({ metric }: { metric: Metric }) {
  return (
    <tr>
      <th scope="row">
        <code>{metric.name}</code>{" "}
        {Object.entries(metric.labels ?? {}).map(([name, value]) => (
          <span key={name} class="tag">
            {name}={value}
          </span>
        ))}
      </th>
      <td class="muted">{metric.type}</td>
      <td class="number">
        {short(metric.value)} <span class="muted">{metric.unit}</span>
      </td>
    </tr>
  );
}

export function MetricTable({ metrics }: { metrics: Metrics | null }) {
  const [text, setText] = useState("");
  const [open, setOpen] = useState(false);
  const rows = open && metrics ? metrics.items.filter((m) => keyOf(m).includes(text)) : [];
  return (
    <details class="card" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>All metrics{metrics ? ` (${metrics.items.length})` : ""}</summary>
      {!metrics && (
        <Pending loaded={{ error: "", reload: () => undefined }} />
      )}
      {open && metrics && (
        <>
          <input
            type="search"
            placeholder="Filter by name or label"
            aria-label="Filter metrics"
            value={text}
            onInput={(e) => setText(e.currentTarget.value)}
          />
          <div class="scroll" tabIndex={0} role="region" aria-label="Metrics">
            <table>
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Type</th>
                  <th scope="col" class="number">
                    Value
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((metric) => (
                  <Row key={keyOf(metric)} metric={metric} />
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </details>
  );
}
