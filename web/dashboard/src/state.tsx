/** Loading, failed and empty: the three states that every list has besides its rows. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { messageOf } from "./api.js";
import { sentence } from "./format.js";
import { openings } from "./stream.js";

export interface Loaded<T> {
  data: T | null;
  error: string;
  set: (data: T) => void;
  reload: () => void;
}

/** Read once, again when `key` changes and whenever the live stream was reopened. */
export function useLoaded<T>(key: string, read: () => Promise<T>): Loaded<T> {
  const [data, setData] = useState<{ key: string; value: T } | null>(null);
  const [error, setError] = useState("");
  const latest = useRef(read);
  const wanted = useRef(key);
  latest.current = read;
  wanted.current = key;
  const reload = useCallback(() => {
    latest.current().then(
      (value) => {
        if (wanted.current !== key) return;
        setError("");
        setData({ key, value });
      },
      (problem: unknown) => {
        if (wanted.current === key) setError(messageOf(problem));
      },
    );
  }, [key]);
  useEffect(() => {
    setError("");
    reload();
  }, [key, openings.value]);
  const set = useCallback((value: T) => setData({ key, value }), [key]);
  return { data: data?.key === key ? data.value : null, error, set, reload };
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <strong>{title}</strong>
      {children && <p>{children}</p>}
    </div>
  );
}

/** What to show instead of a list that is not there yet. */
export function Pending({ loaded }: { loaded: Pick<Loaded<unknown>, "error" | "reload"> }) {
  if (loaded.error) {
    return (
      <div class="empty" role="alert">
        <strong>That did not work</strong>
        <p>{sentence(loaded.error)}</p>
        <button type="button" onClick={loaded.reload}>
          Try again
        </button>
      </div>
    );
  }
  return (
    <div class="empty" aria-busy="true">
      <span class="spinner" aria-hidden="true" />
      Loading…
    </div>
  );
}
