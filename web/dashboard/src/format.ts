/** Figures and values as people read them. */
import type { Entity, Value } from "./types.js";

const whole = new Intl.NumberFormat("en");
const upTo = [0, 1, 2, 3].map(
  (digits) =>
    new Intl.NumberFormat("en", {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }),
);

export function count(value: number | undefined | null): string {
  return value == null ? "–" : whole.format(Math.round(value));
}

function fixed(value: number, digits: number): string {
  return (upTo[digits] ?? whole).format(value);
}

export function micros(value: number | undefined | null): string {
  if (value == null || !Number.isFinite(value)) return "–";
  if (value < 10) return `${fixed(value, 1)} µs`;
  if (value < 1000) return `${fixed(value, 0)} µs`;
  if (value < 1e6) return `${fixed(value / 1000, 2)} ms`;
  return `${fixed(value / 1e6, 2)} s`;
}

export function bytes(value: number): string {
  if (value < 1024) return `${count(value)} B`;
  if (value < 1024 ** 2) return `${fixed(value / 1024, 1)} KiB`;
  if (value < 1024 ** 3) return `${fixed(value / 1024 ** 2, 1)} MiB`;
  return `${fixed(value / 1024 ** 3, 1)} GiB`;
}

export function duration(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  const [days = 0, hours = 0, minutes = 0] = parts;
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  if (minutes > 0) return `${minutes} min ${s % 60} s`;
  return `${s} s`;
}

/** "12 s ago" for an RFC 3339 time. */
export function ago(time: string, now: number): string {
  const seconds = (now - Date.parse(time)) / 1000;
  return Number.isFinite(seconds) ? `${duration(seconds)} ago` : time;
}

export function dateTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return time;
  return date.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** A number in a table: few digits, the same width from one update to the next. */
export function short(value: Value): string {
  if (typeof value === "number") {
    const size = Math.abs(value);
    if (Number.isInteger(value) && size < 1e12) return whole.format(value);
    if (size >= 1e7 || size < 1e-3) return value.toExponential(2);
    return fixed(value, size < 1 ? 3 : 2);
  }
  if (value === null) return "none";
  if (Array.isArray(value)) return `[${value.map(short).join(", ")}]`;
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([name, part]) => `${name} ${short(part)}`)
      .join(", ");
  }
  return String(value);
}

/** A clause of the server as a sentence. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
}

/** What to call an entity: its name, or the one a client chose; without anything to see in
 *  it, it is none. */
export function nameOf(entity: Entity): string {
  const username = entity.components["username"];
  const chosen =
    username && typeof username === "object" && !Array.isArray(username) ? username["value"] : "";
  const names = [entity.name, chosen].filter((name) => typeof name === "string" && name.trim());
  return String(names[0] ?? `entity ${entity.id}`);
}

/** "rate_limit_offenders" as a heading: "Rate limit offenders". */
export function titleOf(name: string): string {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A number with its unit; bytes and times in the units that fit, dates as an age. */
export function measure(value: number, unit: string, doc: string): string {
  if (unit === "B") return bytes(value);
  if (unit === "us") return micros(value);
  if (unit === "ms" && doc.includes("1970")) {
    const age = (Date.now() - value) / 1000;
    return value > 0 ? `${duration(age)} ago` : "–";
  }
  if (unit === "ms") return value === 0 ? "0 ms" : micros(value * 1000);
  return unit ? `${short(value)} ${unit}` : short(value);
}
