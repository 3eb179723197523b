/** What every view knows about the server: its description, live figures, types. */
import { signal } from "@preact/signals";
import { get } from "./api.js";
import { History } from "./history.js";
import { paused, subscribe } from "./stream.js";
import type { ComponentType, Frames, Page, RowList, Server } from "./types.js";

export const server = signal<Server | null>(null);
/** When `server` was read, to let its uptime grow between readings. */
export const serverReadAt = signal(0);
export const frames = signal<Frames | null>(null);
export const componentTypes = signal<ComponentType[]>([]);
/** What plugins offer for inspection; `null` until known. */
export const lists = signal<RowList[] | null>(null);
/** How many rows each list has now, by its name. */
export const rowCounts = signal<Record<string, number>>({});

/** A minute of frame time in µs, entities and clients, at the stream's 10 Hz. */
export const frameHistory = new History(["frame_us", "entities", "clients"], 600);

export function typeOf(name: string): ComponentType | undefined {
  return componentTypes.value.find((type) => type.name === name);
}

function countRows({ items }: Page<Pick<RowList, "name" | "rows">>): void {
  rowCounts.value = Object.fromEntries(items.map(({ name, rows }) => [name, rows]));
}

/** The list of what `noun` names one of: `rooms` for `room`. */
export function listOf(noun: string): RowList | undefined {
  const plural = noun.endsWith("y") ? noun.replace(/y$/, "ies") : `${noun}s`;
  return lists.value?.find((list) => list.name === plural);
}

export async function loadServer(): Promise<void> {
  const [about, types, offered] = await Promise.all([
    get<Server>("/server"),
    get<Page<ComponentType>>("/components?limit=1000"),
    get<Page<RowList>>("/lists"),
  ]);
  server.value = about;
  serverReadAt.value = Date.now();
  paused.value = about.paused;
  componentTypes.value = types.items;
  lists.value = offered.items;
  countRows(offered);
  document.title = `${about.name} · Reef`;
}

/** Follow the frames for as long as the returned function is not called. */
export function followFrames(): () => void {
  return subscribe<Frames>("frames", (data) => {
    frames.value = data;
    frameHistory.push(Date.now() / 1000, [data.frame_us, data.entities, data.clients]);
  });
}

/** Follow how many rows the lists have, likewise. */
export function followLists(): () => void {
  return subscribe<Page<Pick<RowList, "name" | "rows">>>("lists", countRows);
}
