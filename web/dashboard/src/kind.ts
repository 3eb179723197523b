/** The kinds of reflected fields, and how their values are read from what was typed. */
import type { Field, Value } from "./types.js";

const limits: Record<string, [number, number]> = {
  i8: [-128, 127],
  i16: [-32768, 32767],
  i32: [-2147483648, 2147483647],
  u8: [0, 255],
  u16: [0, 65535],
  u32: [0, 4294967295],
};

export const isWide = (type: string): boolean => type === "i64" || type === "u64";
export const isWhole = (type: string): boolean => /^[iu](8|16|32|64)$/.test(type);
/** Whether values are words: a string has a fixed room, a text grows. */
export const isWords = (type: string): boolean => type === "string" || type === "text";
export const isNumber = (type: string): boolean => isWhole(type) || /^f(32|64)$/.test(type);

/** The range that a number must be in: its own where it has one, else its type's. */
export function rangeOf(field: Field): { min: number | null; max: number | null } {
  const own = limits[field.type];
  const bound = (value: number | string | null | undefined, other: number | undefined) =>
    value == null || value === "" ? (other ?? null) : Number(value);
  return { min: bound(field.min, own?.[0]), max: bound(field.max, own?.[1]) };
}

/** "0 … 100 m/s", or what is known of it. */
export function hintOf(field: Field): string {
  const min = field.min ?? null;
  const max = field.max ?? null;
  const range =
    min !== null && max !== null
      ? `${min} … ${max}`
      : min !== null
        ? `≥ ${min}`
        : max !== null
          ? `≤ ${max}`
          : "";
  return [range, field.unit ?? ""].filter(Boolean).join(" ");
}

/** Full precision, for editing. */
export function textOf(value: Value): string {
  return value === null ? "" : String(value);
}

const special: Record<string, string> = {
  nan: "NaN",
  infinity: "Infinity",
  "+infinity": "Infinity",
  "-infinity": "-Infinity",
};

/** The value that `text` stands for, or why it stands for none. */
export function parseText(field: Field, text: string): { value: Value } | { problem: string } {
  if (field.type === "entity") {
    const id = text.trim();
    if (id === "") return { value: null };
    return /^\d+$/.test(id) ? { value: id } : { problem: "An entity is named by its number." };
  }
  if (!isNumber(field.type)) {
    const size = new TextEncoder().encode(text).length;
    const most = field.max_size ?? null;
    return most !== null && size > most
      ? { problem: `At most ${most} bytes, this has ${size}.` }
      : { value: text };
  }
  const typed = text.trim().replace("−", "-");
  const named = special[typed.toLowerCase()];
  if (named !== undefined && !isWhole(field.type)) return { value: named };
  if (isWhole(field.type) && !/^[+-]?\d+$/.test(typed)) {
    return { problem: "A whole number is needed." };
  }
  const value = Number(typed);
  if (typed === "" || Number.isNaN(value)) return { problem: "A number is needed." };
  const { min, max } = rangeOf(field);
  if (min !== null && value < min) return { problem: `At least ${min}.` };
  if (max !== null && value > max) return { problem: `At most ${max}.` };
  return { value: isWide(field.type) ? typed.replace(/^\+/, "") : value };
}
