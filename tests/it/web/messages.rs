//! MessageChannel.

use super::check;

#[test]
fn messages_arrive_as_tasks_in_order() {
    check(
        r#"
        const { port1, port2 } = new MessageChannel();
        const seen = [];
        const message = { a: 1 };
        port2.onmessage = (event) => seen.push(event.data.a, event.data !== message);
        port1.postMessage(message);
        message.a = 2;
        port1.postMessage(message);
        equal(seen, []);
        await sleep(5);
        equal(seen, [1, true, 2, true]);
        port2.close();
        port1.postMessage({ a: 3 });
        await sleep(5);
        equal(seen.length, 4);
        "#,
    );
}

#[test]
fn a_listener_needs_start_and_ports_can_be_transferred() {
    check(
        r#"
        const { port1, port2 } = new MessageChannel(), other = new MessageChannel();
        const seen = [];
        port2.addEventListener("message", (event) => {
            seen.push(event.data);
            event.ports[0].onmessage = (inner) => seen.push(inner.data);
        });
        port1.postMessage("x", [other.port2]);
        other.port1.postMessage("through");
        await sleep(5);
        equal(seen, []);
        port2.start();
        await sleep(5);
        equal(seen, ["x", "through"]);
        throws("DataCloneError", () => port1.postMessage(() => {}));
        throws("DataCloneError", () => port1.postMessage(1, [other.port2]));
        throws("DataCloneError", () => port1.postMessage(1, [port1]));
        throws("TypeError", () => new MessagePort());
        "#,
    );
}
