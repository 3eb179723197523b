/** One component of an entity: its fields, and the button that removes it. */
import { useState } from "preact/hooks";
import { request } from "./api.js";
import { Dialog, notify } from "./dialog.js";
import { FieldList, type FieldContext } from "./field.js";
import { Icon } from "./icon.js";
import type { Field, Value, Written } from "./types.js";
import { typeOf } from "./world.js";

interface Props {
  entityPath: string;
  name: string;
  value: Value;
  editable: boolean;
  onWritten: (value: Value) => void;
}

/** Fields of a component whose type is not known, judged by their values. */
function guessFields(value: Value): Field[] {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return [];
  return Object.keys(value).map((name) => ({ name, type: "unknown", read_only: true }));
}

function RemoveDialog(props: { path: string; name: string; onClose: () => void }) {
  const remove = async () => {
    await request("DELETE", props.path, { headers: { "If-Match": "*" } });
    notify(`Removed ${props.name}.`);
  };
  return (
    <Dialog
      title={`Remove ${props.name}?`}
      action="Remove"
      danger
      onAct={remove}
      onClose={props.onClose}
    >
      <p>The component and its values are taken from this entity.</p>
    </Dialog>
  );
}

export function ComponentCard(props: Props) {
  const { entityPath, name, value, editable } = props;
  const [removing, setRemoving] = useState(false);
  const type = typeOf(name);
  const path = `${entityPath}/components/${encodeURIComponent(name)}`;
  const canEdit = editable && type !== undefined && !type.read_only;
  const context: FieldContext = {
    component: name,
    editable: canEdit,
    patch: async (operations) => {
      const written = await request<Written>("PATCH", path, {
        body: operations,
        type: "application/json-patch+json",
        headers: { "If-Match": "*" },
      });
      props.onWritten(written.value);
      return written.applied_tick;
    },
  };
  const fields = type?.fields ?? guessFields(value);
  return (
    <section class="card component" aria-label={name}>
      <header>
        <h2>{name}</h2>
        {type?.persistent && <span class="tag">persistent</span>}
        {type?.read_only && <span class="tag">read-only</span>}
        {fields.length === 0 && <span class="tag">tag</span>}
        {canEdit && (
          <button
            type="button"
            class="plain small"
            aria-label={`Remove ${name}`}
            title="Remove this component"
            onClick={() => setRemoving(true)}
          >
            <Icon name="cross" />
          </button>
        )}
      </header>
      <FieldList fields={fields} value={value} path={[]} context={context} />
      {removing && (
        <RemoveDialog path={path} name={name} onClose={() => setRemoving(false)} />
      )}
    </section>
  );
}
