// Sends each line to the server and shows what comes back, and how long that took.
"use strict";

const { find, element, addLine, onSubmit, makeConnection } = Page;

/** [text, when it was sent] of those that are still to come back, the oldest first. */
const sent = [];

function onText(text) {
  const isNext = sent[0]?.[0] === text;
  const time = isNext ? `${(performance.now() - sent.shift()[1]).toFixed(1)} ms` : "unasked";
  addLine(find("log"), "bubble", text, element("span", "time", time));
}

const connection = makeConnection({
  protocols: [], // texts are enough
  on: { text: onText },
  opened: () => find("message").focus(),
  closed: () => sent.splice(0),
});

onSubmit("compose", () => {
  const text = find("message").value;
  addLine(find("log"), "bubble mine", text);
  sent.push([text, performance.now()]);
  connection.say(text);
  find("message").value = "";
});
