/** The rows of one list: sorted and searched by the server, read again every few seconds. */
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "./api.js";
import { titleOf } from "./format.js";
import { isWords } from "./kind.js";
import { ListTable } from "./list_table.js";
import { Pager } from "./pager.js";
import { goTo, listHref, route } from "./route.js";
import { Empty, Pending, useLoaded, useRefresh } from "./state.js";
import type { Page, Row, RowList } from "./types.js";
import { lists } from "./world.js";

const pageSize = 100;
const typingMs = 250;

/** What a search looks for. */
function hintOf(list: RowList): string {
  const key = list.key.replaceAll("_", " ");
  const [first, ...others] = list.fields;
  if (first && isWords(first.type)) return `part of the ${key}`;
  const texts = others.some((field) => isWords(field.type) || field.type === "enum");
  return texts ? `a ${key}, or part of a text` : `a ${key}`;
}

function Search({ list, search, sort }: { list: RowList; search: string; sort: string }) {
  const [draft, setDraft] = useState(search);
  const timer = useRef(0);
  const apply = (text: string) => {
    clearTimeout(timer.current);
    goTo(listHref(list.name, { search: text, sort }), true);
  };
  const type = (text: string) => {
    setDraft(text);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => apply(text), typingMs);
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <form
      class="filters"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        apply(draft);
      }}
    >
      <label>
        <span>Search</span>
        <input
          type="search"
          placeholder={hintOf(list)}
          maxLength={40}
          value={draft}
          onInput={(e) => type(e.currentTarget.value)}
        />
      </label>
    </form>
  );
}

function Nothing({ search }: { search: string }) {
  return search ? (
    <Empty title="Nothing matches">No row contains this text.</Empty>
  ) : (
    <Empty title="Nothing right now">Rows appear here the moment there are any.</Empty>
  );
}

function Rows({ list }: { list: RowList }) {
  const { params } = route.value;
  const search = params.get("search") ?? "";
  const sort = params.get("sort") ?? "";
  const cursor = params.get("cursor") ?? "";
  const asked = new URLSearchParams({ limit: String(pageSize) });
  if (search) asked.set("search", search);
  if (sort) asked.set("sort", sort);
  if (cursor) asked.set("cursor", cursor);
  const loaded = useLoaded(`${asked}`, () =>
    get<Page<Row>>(`/lists/${encodeURIComponent(list.name)}?${asked}`),
  );
  useRefresh(loaded);
  // While another page or order is on its way, the rows of before stay.
  const before = useRef<Page<Row> | null>(null);
  before.current = loaded.data ?? before.current;
  const page = before.current;
  const items = page?.items ?? [];
  const isEmpty = page !== null && items.length === 0 && !search && !cursor;
  return (
    <>
      <div class="heading">
        <div>
          <h1>{titleOf(list.name)}</h1>
          {list.doc && <p class="facts">{list.doc}</p>}
        </div>
        {!isEmpty && (
          <Pager
            path={`lists/${encodeURIComponent(list.name)}`}
            keep={["search", "sort"]}
            pageSize={pageSize}
            shown={items.length}
            total={page?.total_exact === false ? null : page?.total}
            next={page?.next_cursor ?? null}
          />
        )}
      </div>
      {!isEmpty && <Search list={list} search={search} sort={sort} />}
      {!page || loaded.error ? (
        <Pending loaded={loaded} />
      ) : items.length === 0 ? (
        <Nothing search={search} />
      ) : (
        <ListTable list={list} rows={items} sort={sort} search={search} />
      )}
    </>
  );
}

/** @param name Of the list; `undefined` = the first there is. */
export function ListRows({ name }: { name: string | undefined }) {
  const known = lists.value;
  const list = name === undefined ? known?.[0] : known?.find((l) => l.name === name);
  if (list) return <Rows key={list.name} list={list} />;
  return (
    <>
      <h1>Lists</h1>
      {known === null ? (
        <Pending loaded={{ error: "", reload: () => undefined }} />
      ) : (
        <Empty title={name === undefined ? "No lists" : "There is no such list"}>
          Plugins offer lists of what they keep, such as rooms and who is in them.
        </Empty>
      )}
    </>
  );
}
