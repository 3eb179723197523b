/** Who is connected, and the button that ends a connection. */
import { useState } from "preact/hooks";
import { get, request } from "./api.js";
import { Dialog, notify } from "./dialog.js";
import { ago, bytes, count, dateTime, micros } from "./format.js";
import { entityHref } from "./route.js";
import { canOperate } from "./session.js";
import { Empty, Pending, useLoaded } from "./state.js";
import { useTopic } from "./stream.js";
import type { Client, Page } from "./types.js";

function KickDialog({ client, onClose }: { client: Client; onClose: () => void }) {
  const [reason, setReason] = useState("Kicked by an operator");
  const kick = async () => {
    await request("POST", `/clients/${encodeURIComponent(client.id)}:kick`, {
      body: { reason },
    });
    notify(`Kicked client ${client.id}.`);
  };
  return (
    <Dialog title={`Kick client ${client.id}?`} action="Kick" danger onAct={kick} onClose={onClose}>
      <p>
        The connection from <code>{client.peer}</code> is closed with this reason, and its
        entity is despawned.
      </p>
      <label>
        <span>Reason</span>
        <input
          value={reason}
          maxLength={120}
          onInput={(e) => setReason(e.currentTarget.value)}
        />
      </label>
    </Dialog>
  );
}

function Row({ client, onKick }: { client: Client; onKick: () => void }) {
  return (
    <tr>
      <th scope="row">
        {client.entity === null ? (
          client.id
        ) : (
          <a href={entityHref(client.entity)}>{client.id}</a>
        )}
      </th>
      <td>
        <span class="tag">{client.transport}</span>
        {client.tls && " "}
        {client.tls && (
          <span class="tag" title={client.cipher ?? ""}>
            {client.tls}
          </span>
        )}
      </td>
      <td>
        <code>{client.peer}</code>
      </td>
      <td class="muted" title={dateTime(client.connected_at)}>
        {ago(client.connected_at, Date.now())}
      </td>
      <td class="number" title={client.jitter_us === null ? "" : `± ${micros(client.jitter_us)}`}>
        {micros(client.rtt_us)}
      </td>
      <td class="number">{count(client.messages_in)}</td>
      <td class="number">{count(client.messages_out)}</td>
      <td class="number">{bytes(client.bytes_in)}</td>
      <td class="number">{bytes(client.bytes_out)}</td>
      <td class="number">{bytes(client.queue_bytes)}</td>
      {canOperate.value && (
        <td class="act">
          <button type="button" class="small" onClick={onKick} aria-label={`Kick ${client.id}`}>
            Kick
          </button>
        </td>
      )}
    </tr>
  );
}

function Table({ clients, onKick }: { clients: Client[]; onKick: (client: Client) => void }) {
  const figures = ["Round trip", "In", "Out", "Bytes in", "Bytes out", "Queued"];
  return (
    <div class="card scroll" tabIndex={0} role="region" aria-label="Clients">
      <table>
        <thead>
          <tr>
            <th scope="col">Client</th>
            <th scope="col">Transport</th>
            <th scope="col">Peer</th>
            <th scope="col">Connected</th>
            {figures.map((title) => (
              <th key={title} scope="col" class="number">
                {title}
              </th>
            ))}
            {canOperate.value && (
              <th scope="col">
                <span class="hidden">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {clients.map((client) => (
            <Row key={client.id} client={client} onKick={() => onKick(client)} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Clients() {
  const loaded = useLoaded("clients", () => get<Page<Client>>("/clients?limit=1000"));
  const [kicking, setKicking] = useState<Client | null>(null);
  useTopic<Page<Client>>("clients", loaded.set);
  const clients = loaded.data?.items ?? [];
  return (
    <>
      <h1>Clients</h1>
      {!loaded.data || loaded.error ? (
        <Pending loaded={loaded} />
      ) : clients.length === 0 ? (
        <Empty title="Nobody is connected">
          Clients appear here the moment their handshake is done.
        </Empty>
      ) : (
        <Table clients={clients} onKick={setKicking} />
      )}
      {kicking && <KickDialog client={kicking} onClose={() => setKicking(null)} />}
    </>
  );
}
