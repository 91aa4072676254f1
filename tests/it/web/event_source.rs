//! EventSource: events as a server sends them, in pieces, with breaks.

use super::check;

#[test]
fn events_are_read_whatever_the_pieces_and_after_a_break_with_the_last_id() {
    check(
        r#"
        const asked = [], encode = (text) => new TextEncoder().encode(text);
        const answers = [
          ["\ufeffretry: 1\n:comment\nid: 7\ndata: one\r", "\ndata:two\r\n\r\nevent: named\ndata: \u00e9\n\n", "data: cut"],
          ["data: again\n\n"],
        ];
        web.host.fetch = async ({ url, headers }) => {
          asked.push(headers[headers.indexOf("last-event-id") + 1]);
          const pieces = answers.shift()?.map(encode);
          return {
            status: pieces ? 200 : 204, statusText: "", url, redirected: false, headers: ["content-type", "text/event-stream"],
            body: pieces ? { pull: async () => pieces.shift(), cancel() {} } : null,
          };
        };
        const seen = [], source = new EventSource("https://a.example/x");
        equal(source.readyState, EventSource.CONNECTING);
        source.onopen = () => seen.push("open");
        source.onerror = () => seen.push(`error ${source.readyState}`);
        const note = ({ type, data, lastEventId, origin }) => seen.push([type, data, lastEventId, origin]);
        source.onmessage = note;
        source.addEventListener("named", note);
        await sleep(50);
        const origin = "https://a.example";
        equal(seen, [
          "open", ["message", "one\ntwo", "7", origin], ["named", "\u00e9", "7", origin], "error 0",
          "open", ["message", "again", "7", origin], "error 0", "error 2",
        ]);
        equal(asked.slice(1), ["7", "7"]);
        throws("SyntaxError", () => new EventSource("nowhere"));
        "#,
    );
}

#[test]
fn a_pair_of_sockets_speaks_with_itself() {
    check(
        r#"
        const [one, two] = Object.values(new WebSocketPair()), seen = [];
        one.accept();
        one.send("early");
        two.addEventListener("message", ({ data }) => seen.push(typeof data === "string" ? data : data.byteLength));
        two.addEventListener("close", ({ code, reason, wasClean }) => seen.push(code, reason, wasClean));
        await sleep(2);
        equal(seen, []);
        two.accept();
        one.send(new Uint8Array(3));
        await sleep(2);
        one.close(4000, "done");
        await sleep(2);
        equal(seen, ["early", 3, 4000, "done", true]);
        equal([one.readyState, two.readyState], [3, 3]);
        throws("TypeError", () => new Response(null, { status: 101, webSocket: {} }));
        throws("RangeError", () => new Response(null, { status: 101 }));
        throws("SyntaxError", () => new WebSocket("ftp://x"));
        throws("SyntaxError", () => new WebSocket("ws://x", ["a", "a"]));
        "#,
    );
}
