/** One row of a list: its fields, and the entities that belong to it. */
import { get } from "./api.js";
import { titleOf } from "./format.js";
import { Icon } from "./icon.js";
import { FieldValue, fieldTitle, isOfClients } from "./list_table.js";
import { Pager } from "./pager.js";
import { entityHref, goTo, listHref, route } from "./route.js";
import { Empty, Pending, useLoaded, useRefresh } from "./state.js";
import type { Member, Page, Row, RowList } from "./types.js";
import { lists } from "./world.js";

const pageSize = 100;

function MemberRow({ member }: { member: Member }) {
  const href = entityHref(member.id);
  const open = (event: MouseEvent) => {
    if ((event.target as Element).closest("a") === null) goTo(href);
  };
  const fallback = member.client_id === null ? `entity ${member.id}` : `User ${member.client_id}`;
  return (
    <tr class="opens" onClick={open}>
      <th scope="row">
        <a href={href}>{member.name?.trim() ? member.name : fallback}</a>
      </th>
      <td>{member.client_id === null ? <span class="muted">–</span> : member.client_id}</td>
      <td class="id">{member.id}</td>
    </tr>
  );
}

function Members({ name, rowKey, title }: { name: string; rowKey: string; title: string }) {
  const cursor = route.value.params.get("cursor") ?? "";
  const asked = new URLSearchParams({ key: rowKey, limit: String(pageSize) });
  if (cursor) asked.set("cursor", cursor);
  const path = `lists/${encodeURIComponent(name)}`;
  const loaded = useLoaded(`${asked}`, () => get<Page<Member>>(`/${path}/members?${asked}`));
  useRefresh(loaded);
  const page = loaded.data;
  const items = page?.items ?? [];
  return (
    <section class="members" aria-label={title}>
      <div class="heading">
        <h2>{title}</h2>
        <Pager
          path={`${path}/row`}
          keep={["key"]}
          pageSize={pageSize}
          shown={items.length}
          total={page?.total}
          next={page?.next_cursor ?? null}
        />
      </div>
      {!page || (loaded.error && !loaded.missing) ? (
        <Pending loaded={loaded} />
      ) : items.length === 0 ? (
        <Empty title="Nobody is here">Members appear the moment they join.</Empty>
      ) : (
        <div class="card scroll" tabIndex={0} role="region" aria-label={`${title}, table`}>
          <table class="entities">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Client</th>
                <th scope="col">Entity</th>
              </tr>
            </thead>
            <tbody>
              {items.map((member) => (
                <MemberRow key={member.id} member={member} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

/** All fields but the key, which is the heading. */
function Facts({ list, row }: { list: RowList; row: Row }) {
  const fields = list.fields.filter((field) => field.name !== list.key);
  if (fields.length === 0) return null;
  return (
    <dl class="tiles row-tiles">
      {fields.map((field) => (
        <div key={field.name} class="tile" title={field.doc ?? undefined}>
          <dt>{fieldTitle(field)}</dt>
          <dd>
            <FieldValue field={field} value={row.value[field.name]} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function ListRow({ name, rowKey }: { name: string; rowKey: string }) {
  const list = lists.value?.find((l) => l.name === name);
  const path = `/lists/${encodeURIComponent(name)}/row?key=${encodeURIComponent(rowKey)}`;
  const loaded = useLoaded(path, () => get<Row>(path));
  useRefresh(loaded);
  const row = loaded.data;
  return (
    <>
      <div>
        <a class="back" href={listHref(name)}>
          <Icon name="back" /> {titleOf(name)}
        </a>
        <h1>
          {list && isOfClients(list) && "Client "}
          {rowKey.trim() ? rowKey : "(blank)"}
        </h1>
        {row && loaded.missing && (
          <p class="facts">
            <span class="tag bad">gone</span> This is how it was last seen.
          </p>
        )}
      </div>
      {!row && loaded.missing ? (
        <Empty title="There is no such row">It may have gone in the meantime.</Empty>
      ) : !row || !list || (loaded.error && !loaded.missing) ? (
        <Pending loaded={loaded} />
      ) : (
        <>
          <Facts list={list} row={row} />
          {list.has_members && (
            <Members
              name={name}
              rowKey={rowKey}
              title={isOfClients(list) ? "Entity" : "Members"}
            />
          )}
        </>
      )}
    </>
  );
}
