/** The one live stream of the page.
 *
 * Views subscribe to topics; the stream is opened for the union of them and reopened when
 * that changes.  It is closed while the page is hidden.  When it breaks it is tried again
 * with growing pauses, and `connection` says so.  Every delta holds the whole state of its
 * topic, so nothing is lost by reconnecting. */
import { effect, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { get } from "./api.js";
import { session } from "./session.js";

export type Connection = "connecting" | "live" | "lost" | "asleep";

interface Delta {
  topic: string;
  tick: number;
  paused: boolean;
  data: unknown;
}

export const connection = signal<Connection>("connecting");
export const paused = signal(false);
/** Counts openings; lists that were read once are read again when it grows. */
export const openings = signal(0);

const silenceMs = 20_000;
const listeners = new Map<string, Set<(data: never) => void>>();
let source: EventSource | null = null;
let openTopics = "";
let failures = 0;
let retryTimer = 0;
let silenceTimer = 0;
let refreshQueued = false;

/** A query topic holds commas itself, so it comes last. */
function wantedTopics(): string {
  const names = [...listeners.keys()];
  const isQuery = (name: string) => name.startsWith("query:");
  return [...names.filter((n) => !isQuery(n)).sort(), ...names.filter(isQuery)].join(",");
}

function close(): void {
  source?.close();
  source = null;
  openTopics = "";
  clearTimeout(retryTimer);
  clearTimeout(silenceTimer);
}

function heard(): void {
  clearTimeout(silenceTimer);
  silenceTimer = window.setTimeout(lost, silenceMs);
}

function lost(): void {
  close();
  connection.value = "lost";
  failures += 1;
  const pause = Math.min(15_000, 500 * 2 ** failures);
  retryTimer = window.setTimeout(async () => {
    // An event source does not tell why it was refused; a plain request does.
    try {
      await get("/whoami");
      refresh();
    } catch {
      if (session.value) lost();
    }
  }, pause);
}

function onDelta(event: MessageEvent<string>): void {
  heard();
  const delta = JSON.parse(event.data) as Delta;
  paused.value = delta.paused;
  for (const listener of listeners.get(delta.topic) ?? []) listener(delta.data as never);
}

function refresh(): void {
  refreshQueued = false;
  const topics = wantedTopics();
  if (!session.value || document.hidden || topics === "") {
    close();
    if (document.hidden) connection.value = "asleep";
    return;
  }
  if (source && topics === openTopics) return;
  const wasLive = connection.value === "live";
  close();
  openTopics = topics;
  if (!wasLive) connection.value = failures > 0 ? "lost" : "connecting";
  source = new EventSource(`/api/v1/stream?topics=${topics}`);
  source.onopen = () => {
    failures = 0;
    if (connection.value !== "live") openings.value += 1;
    connection.value = "live";
    heard();
  };
  source.onerror = lost;
  source.addEventListener("delta", onDelta);
  source.addEventListener("heartbeat", heard);
  source.addEventListener("resync", heard);
}

function queueRefresh(): void {
  if (refreshQueued) return;
  refreshQueued = true;
  setTimeout(refresh);
}

/** Call `listener` with each state of `topic` until the returned function is called. */
export function subscribe<T>(topic: string, listener: (data: T) => void): () => void {
  const set = listeners.get(topic) ?? new Set();
  listeners.set(topic, set.add(listener));
  queueRefresh();
  return () => {
    set.delete(listener);
    if (set.size === 0 && listeners.get(topic) === set) listeners.delete(topic);
    queueRefresh();
  };
}

/** Subscribe for as long as the component is shown. */
export function useTopic<T>(topic: string | null, listener: (data: T) => void): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(
    () => (topic ? subscribe<T>(topic, (data) => latest.current(data)) : undefined),
    [topic],
  );
}

/** Follow the page's visibility and the session. */
export function startStream(): void {
  document.addEventListener("visibilitychange", queueRefresh);
  effect(() => {
    if (session.value === undefined) return;
    failures = 0;
    queueRefresh();
  });
}
