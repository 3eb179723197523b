/** Shapes of the admin API's replies (see /api/v1/openapi.json). */

/** Any value that reflection can produce; 64-bit integers and ids are strings. */
export type Value =
  | string
  | number
  | boolean
  | null
  | Value[]
  | { [name: string]: Value };

export type Role = "viewer" | "operator" | "admin";

export interface Session {
  role: Role;
  csrf: string;
}

export interface Server {
  name: string;
  version: string;
  uptime_s: number;
  tick: number;
  tick_rate: number;
  paused: boolean;
  entities: number;
  clients: number;
  listeners?: { transport: string; addr: string }[];
  certificates?: Certificate[];
}

export interface Certificate {
  transport: string;
  subject: string;
  sha256: string;
  not_after: string;
  dev: boolean;
}

export interface Frames {
  tick: number;
  frame_us: number;
  entities: number;
  clients: number;
  tick_rate: number;
}

/** One reflected field; `fields` and `count` are there for structs and arrays. */
export interface Field {
  name: string;
  type: string;
  unit?: string | null;
  /** One line for people. */
  doc?: string | null;
  /** Inclusive. */
  min?: number | string | null;
  max?: number | string | null;
  /** Bytes of UTF-8 that a string or text may have. */
  max_size?: number | null;
  values?: string[] | null;
  read_only?: boolean;
  fields?: Field[] | null;
  count?: number | null;
}

export interface ComponentType {
  name: string;
  size: number;
  persistent: boolean;
  read_only: boolean;
  fields: Field[];
}

export interface Entity {
  id: string;
  name: string | null;
  archetype: string;
  client_id: string | null;
  parent: string | null;
  components: Record<string, Value>;
  etags?: Record<string, string>;
}

export interface System {
  name: string;
  plugin: string;
  schedule: string;
  order: number;
  enabled: boolean;
  reads: string[];
  writes: string[];
  commands: boolean;
  exclusive: boolean;
  parallel: boolean;
  stage: number;
  count: number;
  last_us: number;
  mean_us: number;
  p50_us: number;
  p99_us: number;
  max_us: number;
}

export interface Client {
  id: string;
  entity: string | null;
  transport: string;
  tls: string | null;
  cipher: string | null;
  peer: string;
  connected_at: string;
  messages_in: number;
  messages_out: number;
  bytes_in: number;
  bytes_out: number;
  queue_bytes: number;
  rtt_us: number | null;
  jitter_us: number | null;
}

export interface Snapshot {
  id: string;
  created_at: string;
  tick: number;
  entities: number;
  bytes: number;
  reason: "interval" | "demand" | "shutdown" | "before_restore";
  state: "writing" | "complete" | "failed";
}

export interface Restored {
  restored: string;
  applied_tick: number;
  entities: number;
  warnings: string[];
}

/** A list that a plugin offers. */
export interface RowList {
  name: string;
  doc: string | null;
  rows: number;
  /** The field that is unique. */
  key: string;
  fields: Field[];
  has_members: boolean;
}

export interface Row {
  key: string;
  value: Record<string, Value>;
  /** `null` where rows have none. */
  members: number | null;
}

export interface Member {
  id: string;
  client_id: string | null;
  name: string | null;
}

export interface Metric {
  name: string;
  type: string;
  unit: string | null;
  labels: Record<string, string>;
  value: number | string;
}

export interface Metrics {
  tick: number;
  uptime_s: number;
  items: Metric[];
}

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
  total?: number;
  /** False when `total` does not take a text search into account. */
  total_exact?: boolean;
  tick?: number;
  paused?: boolean;
}

export interface Written {
  value: Value;
  applied_tick: number;
}
