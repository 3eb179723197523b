/** The world's entities: filtered, paged, with the values of chosen components live. */
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.js";
import { EntityTable } from "./entity_table.js";
import { Pager } from "./pager.js";
import { goTo, hrefTo, route } from "./route.js";
import { Empty, Pending, useLoaded } from "./state.js";
import { useTopic } from "./stream.js";
import type { Entity, Page } from "./types.js";
import { componentTypes } from "./world.js";

const pageSize = 100;
const typingMs = 250;
const columnsKey = "reef.columns";

function keptColumns(): string[] | null {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(columnsKey) ?? "null");
    return Array.isArray(kept) ? kept.map(String) : null;
  } catch {
    return null;
  }
}

/** The first few components that the page's entities have, in the order of the types. */
function usualColumns(entities: Entity[]): string[] {
  const present = new Set(entities.flatMap((entity) => Object.keys(entity.components)));
  present.delete("name");
  const order = componentTypes.value.map((type) => type.name);
  return [...present].sort((a, b) => order.indexOf(a) - order.indexOf(b)).slice(0, 3);
}

/** "a, b" → "a,b"; the components that an entity must have. */
function cleanQuery(query: string): string {
  return query.split(/[\s,]+/).filter(Boolean).join(",");
}

function Filters({ query, text }: { query: string; text: string }) {
  const [draft, setDraft] = useState(query);
  const [textDraft, setTextDraft] = useState(text);
  const timer = useRef(0);
  const apply = (nextQuery: string, nextText: string) =>
    goTo(hrefTo("entities", { query: cleanQuery(nextQuery), text: nextText }), true);
  /** A search looks at the whole world, so it waits until nobody types. */
  const search = (next: string) => {
    setTextDraft(next);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => apply(draft, next), typingMs);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <form
      class="filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        clearTimeout(timer.current);
        apply(draft, textDraft);
      }}
    >
      <label>
        <span>With components</span>
        <input
          type="search"
          list="component-names"
          placeholder="position_2d, velocity_2d"
          value={draft}
          onInput={(e) => setDraft(e.currentTarget.value)}
          onChange={(e) => apply(e.currentTarget.value, textDraft)}
        />
      </label>
      <datalist id="component-names">
        {componentTypes.value.map((type) => (
          <option key={type.name} value={type.name} />
        ))}
      </datalist>
      <label>
        <span>Text</span>
        <input
          type="search"
          placeholder="part of the name, or an id"
          maxLength={40}
          value={textDraft}
          onInput={(e) => search(e.currentTarget.value)}
        />
      </label>
    </form>
  );
}

function Columns(props: { chosen: string[]; onChoose: (columns: string[]) => void }) {
  const toggle = (name: string) =>
    props.onChoose(
      props.chosen.includes(name)
        ? props.chosen.filter((c) => c !== name)
        : [...props.chosen, name],
    );
  return (
    <div class="chips" role="group" aria-label="Columns">
      <span class="muted">Columns</span>
      {componentTypes.value.map(({ name }) => (
        <button
          key={name}
          type="button"
          class="chip"
          aria-pressed={props.chosen.includes(name)}
          onClick={() => toggle(name)}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

export function Entities() {
  const { params } = route.value;
  const query = params.get("query") ?? "";
  const text = params.get("text") ?? "";
  const cursor = params.get("cursor") ?? "";
  const [columns, setColumns] = useState<string[] | null>(keptColumns);
  const search = new URLSearchParams({ limit: String(pageSize) });
  if (query) search.set("query", query);
  if (text) search.set("text", text);
  if (cursor) search.set("cursor", cursor);
  const loaded = useLoaded(`${search}`, () => get<Page<Entity>>(`/entities?${search}`));
  const page = loaded.data;
  const topic = `query:${query}${cursor ? `@${encodeURIComponent(cursor)}` : ""}`;
  useTopic<Page<Entity>>(page ? topic : null, (live) => {
    if (!page) return;
    if (!text) {
      loaded.set({ ...page, ...live });
      return;
    }
    // A search is answered once; the stream keeps the values of what it found fresh.
    const fresh = new Map(live.items.map((entity) => [entity.id, entity]));
    loaded.set({ ...page, items: page.items.map((entity) => fresh.get(entity.id) ?? entity) });
  });
  const items = page?.items ?? [];
  const counted = page?.total_exact !== false || !page?.next_cursor;
  const shown = columns ?? usualColumns(items);
  const choose = (next: string[]) => {
    localStorage.setItem(columnsKey, JSON.stringify(next));
    setColumns(next);
  };
  return (
    <>
      <div class="heading">
        <h1>Entities</h1>
        <Pager
          path="entities"
          keep={["query", "text"]}
          pageSize={pageSize}
          shown={items.length}
          total={counted ? page?.total : null}
          next={page?.next_cursor ?? null}
        />
      </div>
      <Filters key={query} query={query} text={text} />
      <Columns chosen={shown} onChoose={choose} />
      {!page || loaded.error ? (
        <Pending loaded={loaded} />
      ) : items.length === 0 ? (
        <Empty title={query || text ? "Nothing matches" : "The world is empty"}>
          {query || text
            ? "No entity has all of these components and contains this text."
            : "Entities appear here as soon as something spawns them, such as a connection."}
        </Empty>
      ) : (
        <EntityTable entities={items} columns={shown} />
      )}
    </>
  );
}
