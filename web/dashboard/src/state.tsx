/** Loading, failed and empty: the three states that every list has besides its rows. */
import type { ComponentChildren } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { messageOf, Problem } from "./api.js";
import { sentence } from "./format.js";
import { connection, openings } from "./stream.js";

const refreshMs = 2000;

export interface Loaded<T> {
  data: T | null;
  error: string;
  /** What is asked for is not there, or no longer. */
  missing: boolean;
  set: (data: T) => void;
  /** Ends when the answer is there, whichever it is. */
  reload: () => Promise<void> | void;
}

/** Read once, again when `key` changes and whenever the live stream was reopened. */
export function useLoaded<T>(key: string, read: () => Promise<T>): Loaded<T> {
  const [data, setData] = useState<{ key: string; value: T } | null>(null);
  const [error, setError] = useState("");
  const [missing, setMissing] = useState(false);
  const latest = useRef(read);
  const wanted = useRef(key);
  latest.current = read;
  wanted.current = key;
  const reload = useCallback(
    () =>
      latest.current().then(
        (value) => {
          if (wanted.current !== key) return;
          setError("");
          setMissing(false);
          setData({ key, value });
        },
        (problem: unknown) => {
          if (wanted.current !== key) return;
          setError(messageOf(problem));
          setMissing(problem instanceof Problem && problem.status === 404);
        },
      ),
    [key],
  );
  useEffect(() => {
    setError("");
    setMissing(false);
    void reload();
  }, [key, openings.value]);
  const set = useCallback((value: T) => setData({ key, value }), [key]);
  return { data: data?.key === key ? data.value : null, error, missing, set, reload };
}

/** Read again some time after each answer, for what no topic of the stream tells; not while
 *  the page is hidden or the connection lost. */
export function useRefresh({ reload }: Pick<Loaded<unknown>, "reload">): void {
  useEffect(() => {
    let timer = 0;
    let ended = false;
    const wait = () => {
      if (!ended) timer = window.setTimeout(() => void again(), refreshMs);
    };
    const again = async () => {
      if (connection.value === "live") await reload();
      wait();
    };
    wait();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [reload]);
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
        <button type="button" onClick={() => void loaded.reload()}>
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
