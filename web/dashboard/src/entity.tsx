/** One entity: every component with its fields live and editable. */
import { useState } from "preact/hooks";
import { get, request } from "./api.js";
import { ComponentCard } from "./component_card.js";
import { Dialog, notify } from "./dialog.js";
import { count, nameOf } from "./format.js";
import { Icon } from "./icon.js";
import { initialOf } from "./initial.js";
import { entityHref, goTo, hrefTo } from "./route.js";
import { canOperate } from "./session.js";
import { Empty, Pending, useLoaded } from "./state.js";
import { useTopic } from "./stream.js";
import type { Entity, Value, Written } from "./types.js";
import { componentTypes } from "./world.js";

const pathOf = (id: string) => `/entities/${encodeURIComponent(id)}`;

function AddDialog({ entity, onClose }: { entity: Entity; onClose: () => void }) {
  const missing = componentTypes.value.filter(
    (type) => !type.read_only && !(type.name in entity.components),
  );
  const [name, setName] = useState(missing[0]?.name ?? "");
  const add = async () => {
    const type = missing.find((t) => t.name === name);
    const done = await request<Written>("PUT", `${pathOf(entity.id)}/components/${name}`, {
      body: initialOf(type),
      headers: { "If-Match": "*" },
    });
    notify(`Added ${name} at tick ${count(done.applied_tick)}.`);
  };
  return (
    <Dialog title="Add a component" action="Add" onAct={add} onClose={onClose}>
      {missing.length === 0 ? (
        <p>This entity has every component that can be added.</p>
      ) : (
        <label>
          <span>Component</span>
          <select value={name} onChange={(e) => setName(e.currentTarget.value)}>
            {missing.map((type) => (
              <option key={type.name} value={type.name}>
                {type.name}
              </option>
            ))}
          </select>
        </label>
      )}
    </Dialog>
  );
}

function DespawnDialog({ entity, onClose }: { entity: Entity; onClose: () => void }) {
  const despawn = async () => {
    await request("DELETE", pathOf(entity.id), { headers: { "If-Match": "*" } });
    notify(`Despawned ${nameOf(entity)}.`);
    goTo(hrefTo("entities"));
  };
  return (
    <Dialog title="Despawn this entity?" action="Despawn" danger onAct={despawn} onClose={onClose}>
      <p>
        <strong>{nameOf(entity)}</strong> and all its components are
        removed from the world.{" "}
        {entity.client_id !== null && "It is a connected client, which is disconnected."}
      </p>
    </Dialog>
  );
}

function Back() {
  return (
    <a class="back" href={hrefTo("entities")}>
      <Icon name="back" /> Entities
    </a>
  );
}

function Head(props: { entity: Entity; gone: boolean; onAdd: () => void; onDespawn: () => void }) {
  const { entity, gone } = props;
  return (
    <div class="heading">
      <div>
        <Back />
        <h1>{nameOf(entity)}</h1>
        <p class="facts">
          <span>
            id <code>{entity.id}</code>
          </span>
          {entity.client_id !== null && <span class="tag">client {entity.client_id}</span>}
          {entity.parent !== null && (
            <span>
              parent <a href={entityHref(entity.parent)}>{entity.parent}</a>
            </span>
          )}
          {gone && <span class="tag bad">despawned</span>}
        </p>
      </div>
      {canOperate.value && !gone && (
        <div class="row">
          <button type="button" onClick={props.onAdd}>
            <Icon name="plus" /> Add component
          </button>
          <button type="button" class="danger" onClick={props.onDespawn}>
            Despawn
          </button>
        </div>
      )}
    </div>
  );
}

export function EntityEditor({ id }: { id: string }) {
  const [gone, setGone] = useState(false);
  const [dialog, setDialog] = useState<"add" | "despawn" | null>(null);
  const loaded = useLoaded(id, () => get<Entity>(pathOf(id)));
  useTopic<Entity | null>(loaded.data && !gone ? `entity:${id}` : null, (live) => {
    if (live === null) setGone(true);
    else loaded.set(live);
  });
  const entity = loaded.data;
  if (!entity) {
    return (
      <>
        <div>
          <Back />
          <h1>entity {id}</h1>
        </div>
        <Pending loaded={loaded} />
      </>
    );
  }
  const order = componentTypes.value.map((type) => type.name);
  const names = Object.keys(entity.components).sort(
    (a, b) => order.indexOf(a) - order.indexOf(b),
  );
  const replace = (name: string, value: Value) =>
    loaded.set({ ...entity, components: { ...entity.components, [name]: value } });
  const close = () => setDialog(null);
  return (
    <>
      <Head
        entity={entity}
        gone={gone}
        onAdd={() => setDialog("add")}
        onDespawn={() => setDialog("despawn")}
      />
      {names.length === 0 && <Empty title="No components">This entity is only an id.</Empty>}
      <div class="cards">
        {names.map((name) => (
          <ComponentCard
            key={name}
            entityPath={pathOf(id)}
            name={name}
            value={entity.components[name] ?? null}
            editable={canOperate.value && !gone}
            onWritten={(value) => replace(name, value)}
          />
        ))}
      </div>
      {dialog === "add" && <AddDialog entity={entity} onClose={close} />}
      {dialog === "despawn" && <DespawnDialog entity={entity} onClose={close} />}
    </>
  );
}
