/** Where the page is, kept in the URL's fragment: `#/entities/42?query=a,b`. */
import { signal } from "@preact/signals";

export interface Route {
  /** Path without empty parts: ["entities", "42"]. */
  path: string[];
  params: URLSearchParams;
}

function parse(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#/, "").split("?", 2);
  return {
    path: path.split("/").filter(Boolean).map(decodeURIComponent),
    params: new URLSearchParams(query),
  };
}

export const route = signal<Route>(parse());

export function followRoute(): void {
  const follow = () => {
    route.value = parse();
  };
  follow();
  addEventListener("hashchange", follow);
  addEventListener("popstate", follow);
}

/** The link to a view; empty parameters are left out. */
export function hrefTo(path: string, params: Record<string, string> = {}): string {
  const query = Object.entries(params)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  return `#/${path}${query ? `?${query}` : ""}`;
}

export const entityHref = (id: string): string => hrefTo(`entities/${encodeURIComponent(id)}`);

export const listHref = (name: string, params?: Record<string, string>): string =>
  hrefTo(`lists/${encodeURIComponent(name)}`, params);

/** A row's key is a parameter: it may be any text. */
export const rowHref = (list: string, key: string): string =>
  hrefTo(`lists/${encodeURIComponent(list)}/row`, { key });

export function goTo(href: string, replace = false): void {
  if (replace) history.replaceState(null, "", href);
  else history.pushState(null, "", href);
  route.value = parse();
}
