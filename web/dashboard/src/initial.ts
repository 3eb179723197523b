/** What a component is added with: zero, or the nearest value that its range allows. */
import { isNumber, isWide, isWords } from "./kind.js";
import type { ComponentType, Field, Value } from "./types.js";

function initialElement(field: Field): Value {
  if (field.type === "bool") return false;
  if (isWords(field.type)) return "";
  if (field.type === "entity") return null;
  if (field.type === "enum") return field.values?.[0] ?? null;
  if (field.type === "mask") return [];
  if (field.fields) return initialFields(field.fields);
  if (!isNumber(field.type)) return null;
  const low = field.min == null ? -Infinity : Number(field.min);
  const high = field.max == null ? Infinity : Number(field.max);
  const value = Math.min(Math.max(0, low), high);
  return isWide(field.type) ? String(value) : value;
}

function initialFields(fields: Field[]): Value {
  return Object.fromEntries(
    fields
      .filter((field) => !field.read_only)
      .map((field) => [
        field.name,
        field.count
          ? Array.from({ length: field.count }, () => initialElement(field))
          : initialElement(field),
      ]),
  );
}

/** A tag is `true`; everything else an object of its fields. */
export function initialOf(type: ComponentType | undefined): Value {
  return !type || type.fields.length === 0 ? true : initialFields(type.fields);
}
