/** Rows of a list as a table, whose columns are the fields that the list describes. */
import { count, measure, short, titleOf } from "./format.js";
import { isNumber, isWide } from "./kind.js";
import { entityHref, goTo, listHref, rowHref } from "./route.js";
import type { Field, Row, RowList, Value } from "./types.js";
import { listOf } from "./world.js";

/** What the server can order by. */
const isSortable = (field: Field): boolean =>
  !field.count && !field.fields && field.type !== "text" && (field.max_size ?? 0) < 256;

/** Numbers that name something are no quantities. */
const isName = (field: Field): boolean =>
  /(^|_)id$/.test(field.name) || /\bid\b/.test(field.doc ?? "");
const isQuantity = (field: Field): boolean =>
  isNumber(field.type) && !field.count && !isName(field);

/** Whether rows are clients, each its own only member. */
export const isOfClients = (list: RowList): boolean => list.key === "client_id";

const hasMembers = (list: RowList): boolean => list.has_members && !isOfClients(list);

/** How full something is: of its own capacity where a row tells it. */
function shareOf(list: RowList, rows: Row[], row: Row): number {
  const limit = list.fields.find((f) => /^(max|capacity|max_members)$/.test(f.name));
  const most = limit
    ? Number(row.value[limit.name])
    : Math.max(...rows.map((r) => membersOf(r) ?? 0));
  return most > 0 ? Math.min(1, (membersOf(row) ?? 0) / most) : 0;
}

function membersOf(row: Row): number | null {
  const own = row.value["members"];
  return typeof own === "number" ? own : row.members;
}

/** The name as a heading, without the unit that the value is not shown in. */
export const fieldTitle = ({ name, unit }: Field): string =>
  titleOf(unit && name.endsWith(`_${unit}`) ? name.slice(0, -unit.length - 1) : name);

/** One value as people read it; a dash where there is none. */
export function FieldValue({ field, value }: { field: Field; value: Value | undefined }) {
  const none = <span class="muted">–</span>;
  if (value == null || value === "" || value === false) return none;
  if (value === true) return <>✓</>;
  if (field.type === "entity" && typeof value === "string") {
    return <a href={entityHref(value)}>{value}</a>;
  }
  if (field.type === "enum" || field.type === "mask") {
    const names = Array.isArray(value) ? value : [value];
    return (
      <>
        {names.map((name, i) => (
          <span key={i} class="tag">
            {short(name)}
          </span>
        ))}
      </>
    );
  }
  if (isQuantity(field)) {
    const number = isWide(field.type) ? Number(value) : value;
    return <>{typeof number === "number" ? measure(number, field.unit ?? "", field.doc ?? "") : short(value)}</>;
  }
  const named = field.type === "string" ? listOf(field.name) : undefined;
  if (named && typeof value === "string") return <a href={rowHref(named.name, value)}>{value}</a>;
  return <>{isName(field) ? String(value) : short(value)}</>;
}

function Cell({ field, value }: { field: Field; value: Value | undefined }) {
  if (isQuantity(field)) {
    return (
      <td class="number">
        <FieldValue field={field} value={value} />
      </td>
    );
  }
  const text = typeof value === "string" ? value : undefined;
  return (
    <td class="text" title={text}>
      <FieldValue field={field} value={value} />
    </td>
  );
}

function Members({ value, share }: { value: number | null; share: number }) {
  return (
    <td class="number members">
      <span class="share" aria-hidden="true">
        <i style={{ width: `${Math.round(share * 100)}%` }} />
      </span>
      <span class="figure">{count(value)}</span>
    </td>
  );
}

function TableRow(props: { list: RowList; columns: Field[]; row: Row; share: number }) {
  const { list, columns, row } = props;
  const href = list.has_members ? rowHref(list.name, row.key) : null;
  const open = (event: MouseEvent) => {
    if (href && (event.target as Element).closest("a") === null) goTo(href);
  };
  const name = row.key.trim() ? row.key : "(blank)";
  return (
    <tr class={href ? "opens" : ""} onClick={open}>
      <th scope="row" title={row.key}>
        {href ? <a href={href}>{name}</a> : <span>{name}</span>}
      </th>
      {hasMembers(list) && <Members value={membersOf(row)} share={props.share} />}
      {columns.map((field) => (
        <Cell key={field.name} field={field} value={row.value[field.name]} />
      ))}
    </tr>
  );
}

interface HeadProps {
  list: RowList;
  field: Field;
  title: string;
  sort: string;
  search: string;
}

/** A heading that orders by its column, and the other way when it does already. */
function Head({ list, field, title, sort, search }: HeadProps) {
  const current = sort.replace("-", "") || list.key;
  const descends = sort.startsWith("-");
  const here = current === field.name;
  const falling = here ? !descends : isQuantity(field);
  const next = (falling ? "-" : "") + (field.name === list.key ? "" : field.name);
  return (
    <th
      scope="col"
      class={isQuantity(field) ? "number" : ""}
      title={field.doc ?? undefined}
      aria-sort={here ? (descends ? "descending" : "ascending") : undefined}
    >
      {isSortable(field) ? (
        <a
          class="sort"
          href={listHref(list.name, { search, sort: next === "-" ? `-${list.key}` : next })}
        >
          {title}
        </a>
      ) : (
        title
      )}
    </th>
  );
}

interface Props {
  list: RowList;
  rows: Row[];
  sort: string;
  search: string;
}

export function ListTable({ list, rows, sort, search }: Props) {
  const [key, ...others] = list.fields;
  const own = others.find((field) => field.name === "members" && isQuantity(field));
  const columns = hasMembers(list) ? others.filter((field) => field !== own) : others;
  const share = (row: Row) => (hasMembers(list) ? shareOf(list, rows, row) : 0);
  const headOf = (field: Field) => (
    <Head
      key={field.name}
      list={list}
      field={field}
      title={fieldTitle(field)}
      sort={sort}
      search={search}
    />
  );
  return (
    <div class="card scroll" tabIndex={0} role="region" aria-label={titleOf(list.name)}>
      <table class="entities">
        <thead>
          <tr>
            {key && headOf(key)}
            {hasMembers(list) &&
              (own ? (
                headOf(own)
              ) : (
                <th scope="col" class="number">
                  Members
                </th>
              ))}
            {columns.map(headOf)}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <TableRow key={row.key} list={list} columns={columns} row={row} share={share(row)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}
