/** Requests to the admin API: one function, and one error type for what can go wrong. */
import { session, sessionEnded } from "./session.js";

const base = "/api/v1";

/** A refused or failed request, from an application/problem+json body where there is one. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Messages by JSON pointer. */
    readonly fields: { pointer: string; detail: string }[] = [],
  ) {
    super(message);
  }
  get isConflict(): boolean {
    return this.status === 412 || this.status === 409;
  }
}

interface Options {
  body?: unknown;
  type?: string;
  headers?: Record<string, string>;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback = `${response.status} ${response.statusText}`.trim();
  try {
    const body = await response.json();
    const fields = Array.isArray(body.errors) ? body.errors : [];
    return new Problem(
      response.status,
      String(body.detail ?? body.title ?? fallback),
      fields.map((e: { pointer?: unknown; detail?: unknown }) => ({
        pointer: String(e.pointer ?? "").replace(/^#/, ""),
        detail: String(e.detail ?? ""),
      })),
    );
  } catch {
    return new Problem(response.status, fallback);
  }
}

/** Send a request; the parsed body of a success, `undefined` when it is empty. */
export async function request<T>(
  method: string,
  path: string,
  options: Options = {},
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  if (options.body !== undefined) {
    headers["Content-Type"] = options.type ?? "application/json";
  }
  if (method !== "GET" && session.value) headers["X-Reef-CSRF"] = session.value.csrf;
  let response: Response;
  try {
    response = await fetch(base + path, {
      method,
      headers,
      body: options.body === undefined ? null : JSON.stringify(options.body),
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch {
    throw new Problem(0, "The server does not answer.");
  }
  if (!response.ok) {
    if (response.status === 401) sessionEnded();
    throw await problemOf(response);
  }
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

export const get = <T>(path: string): Promise<T> => request<T>("GET", path);

/** The text to show for anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Problem && error.fields.length > 0) {
    return error.fields.map((f) => f.detail || error.message).join(" ");
  }
  return error instanceof Error ? error.message : String(error);
}
