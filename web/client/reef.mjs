// reef.js as a module: import { connect } from "./reef.mjs";
import "./reef.js";

export const { connect, webSocket, parseSignature, makeMessage, encodeMessage, decodeMessage } =
  globalThis.Reef;
