/** Paging by cursor, kept in the URL so that a reload and the back button stay on the page. */
import { count } from "./format.js";
import { hrefTo, route } from "./route.js";

interface Props {
  /** The view, and which of its parameters stay from page to page. */
  path: string;
  keep: string[];
  pageSize: number;
  shown: number;
  /** `undefined` until known, `null` when nobody counted. */
  total: number | null | undefined;
  next: string | null;
}

export function Pager({ path, keep, pageSize, shown, total, next }: Props) {
  const { params } = route.value;
  const trail = params.get("trail")?.split(" ").filter(Boolean) ?? [];
  const cursor = params.get("cursor") ?? "";
  const kept = Object.fromEntries(keep.map((name) => [name, params.get(name) ?? ""]));
  const link = (to: string, back: string[]) =>
    hrefTo(path, { ...kept, cursor: to, trail: back.join(" ") });
  const previous = trail.at(-1) ?? "-";
  const first = trail.length * pageSize + 1;
  return (
    <nav class="pager" aria-label="Pages">
      {total !== undefined && (
        <span class="muted">
          {shown === 0 ? "none" : `${count(first)}–${count(first + shown - 1)}`}
          {total ? ` of ${count(total)}` : ""}
        </span>
      )}
      {cursor && (
        <a class="button" href={link(previous === "-" ? "" : previous, trail.slice(0, -1))}>
          Previous
        </a>
      )}
      {next && (
        <a class="button" href={link(next, [...trail, cursor || "-"])}>
          Next
        </a>
      )}
    </nav>
  );
}
