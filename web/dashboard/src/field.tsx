/** Fields as rows: nested structs and arrays unfold to the editors of their leaves. */
import { ChoiceField, TextField } from "./editors.js";
import { short } from "./format.js";
import { hintOf, isNumber } from "./kind.js";
import { entityHref, rowHref } from "./route.js";
import type { Field, Value } from "./types.js";
import { listOf } from "./world.js";

export type Operation = { op: "test" | "replace"; path: string; value: Value };

/** What the fields of one component share. */
export interface FieldContext {
  component: string;
  editable: boolean;
  /** Apply a JSON Patch to the component; the tick it was applied at. */
  patch: (operations: Operation[]) => Promise<number>;
}

export interface LeafProps {
  field: Field;
  value: Value;
  /** Where the value is within the component. */
  path: string[];
  context: FieldContext;
}

function partOf(value: Value, name: string): Value {
  if (value === null || typeof value !== "object") return null;
  return (Array.isArray(value) ? value[Number(name)] : value[name]) ?? null;
}

export const labelOf = (props: LeafProps): string =>
  [props.context.component, ...props.path].join(".");

/** The row that a component speaks of: `room` names one of the list `rooms`. */
function rowOf({ context, path, value }: LeafProps): string | null {
  const list = listOf(context.component.split("_")[0] ?? "");
  const isKey = path.length === 1 && (path[0] === "value" || path[0] === list?.key);
  return list && isKey && typeof value === "string" && value !== ""
    ? rowHref(list.name, value)
    : null;
}

function ReadOnly(props: LeafProps) {
  const { field, value, path } = props;
  const row = rowOf(props);
  return (
    <div class="field" title={field.doc ?? undefined}>
      <span class="label">{path.at(-1)}</span>
      <output aria-label={labelOf(props)}>
        {field.type === "entity" && typeof value === "string" ? (
          <a href={entityHref(value)}>{value}</a>
        ) : row ? (
          <a href={row}>{short(value)}</a>
        ) : (
          short(value)
        )}{" "}
        <span class="hint">{isNumber(field.type) ? field.unit : ""}</span>
      </output>
    </div>
  );
}

function Leaf(props: LeafProps) {
  const { field, context } = props;
  if (!context.editable || field.read_only) return <ReadOnly {...props} />;
  switch (field.type) {
    case "bool":
    case "enum":
    case "mask":
      return <ChoiceField {...props} />;
    case "string":
    case "text":
    case "entity":
      return <TextField {...props} hint={hintOf(field)} />;
    default:
      if (isNumber(field.type)) return <TextField {...props} hint={hintOf(field)} />;
      return <ReadOnly {...props} />;
  }
}

function Group(props: LeafProps & { children: preact.ComponentChildren }) {
  return (
    <fieldset class="group">
      <legend>{props.path.at(-1)}</legend>
      {props.children}
    </fieldset>
  );
}

function Element(props: LeafProps) {
  const { field, value, path, context } = props;
  if (!field.fields) return <Leaf {...props} />;
  return (
    <Group {...props}>
      <FieldList fields={field.fields} value={value} path={path} context={context} />
    </Group>
  );
}

function AnyField(props: LeafProps) {
  const { field, value, path } = props;
  /* A mask is an array itself; only with a count there are several. */
  if (!Array.isArray(value) || (field.type === "mask" && !field.count))
    return <Element {...props} />;
  return (
    <Group {...props}>
      {value.map((element, i) => (
        <Element key={i} {...props} value={element} path={[...path, String(i)]} />
      ))}
    </Group>
  );
}

interface ListProps {
  fields: Field[];
  value: Value;
  path: string[];
  context: FieldContext;
}

export function FieldList({ fields, value, path, context }: ListProps) {
  return (
    <div class="fields">
      {fields.map((field) => (
        <AnyField
          key={field.name}
          field={field}
          value={partOf(value, field.name)}
          path={[...path, field.name]}
          context={context}
        />
      ))}
    </div>
  );
}
