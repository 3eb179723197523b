/** Rows of entities; one column for each chosen component. */
import { nameOf, short } from "./format.js";
import { entityHref, goTo } from "./route.js";
import type { Entity, Value } from "./types.js";

function Cell({ value }: { value: Value | undefined }) {
  if (value === undefined) return <td class="muted">–</td>;
  if (value === true) return <td>✓</td>;
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    return <td class="value">{short(value)}</td>;
  }
  const parts = Object.entries(value);
  return (
    <td class="value">
      {parts.map(([name, part]) => (
        <span key={name} class={typeof part === "number" ? "part number" : "part"}>
          {parts.length > 1 && <i>{name}</i>}
          <b>{short(part)}</b>
        </span>
      ))}
    </td>
  );
}

function Row({ entity, columns }: { entity: Entity; columns: string[] }) {
  const href = entityHref(entity.id);
  const open = (event: MouseEvent) => {
    if ((event.target as Element).closest("a") === null) goTo(href);
  };
  return (
    <tr class="opens" onClick={open}>
      <th scope="row">
        <a href={href}>{nameOf(entity)}</a>
      </th>
      <td class="id">{entity.id}</td>
      {columns.map((name) => (
        <Cell key={name} value={entity.components[name]} />
      ))}
      <td class="muted archetype">{Object.keys(entity.components).join(" · ")}</td>
    </tr>
  );
}

export function EntityTable({ entities, columns }: { entities: Entity[]; columns: string[] }) {
  return (
    <div class="card scroll" tabIndex={0} role="region" aria-label="Entities">
      <table class="entities">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Id</th>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            <th scope="col">Components</th>
          </tr>
        </thead>
        <tbody>
          {entities.map((entity) => (
            <Row key={entity.id} entity={entity} columns={columns} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
