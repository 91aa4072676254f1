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

#[test]
fn a_port_inside_of_a_message_arrives_as_the_port_that_was_transferred() {
    check(
        r#"
        const outer = new MessageChannel(), inner = new MessageChannel();
        const seen = [];
        outer.port2.onmessage = ({ data, ports }) => {
          same(data.port, ports[0]);
          data.port.onmessage = (event) => seen.push(event.data);
        };
        outer.port1.postMessage({ port: inner.port2 }, [inner.port2]);
        inner.port1.postMessage("through");
        await sleep(5);
        equal(seen, ["through"]);
        throws("DataCloneError", () => outer.port1.postMessage({ port: inner.port1 }));
        const copy = structuredClone(inner.port1, { transfer: [inner.port1] });
        copy.postMessage("again");
        await sleep(5);
        equal(seen, ["through", "again"]);
        throws("DataCloneError", () => structuredClone(1, { transfer: [inner.port1] }));
        "#,
    );
}

#[test]
fn a_broadcast_reaches_the_others_of_its_name_that_are_open() {
    check(
        r#"
        const [one, two, three, other] = ["a", "a", "a", "b"].map((name) => new BroadcastChannel(name));
        const seen = [];
        for (const [key, channel] of Object.entries({ one, two, three, other })) {
          channel.onmessage = (event) => seen.push(key, event.data);
        }
        one.postMessage({ x: 1 });
        three.close();
        await sleep(5);
        equal(seen, ["two", { x: 1 }]);
        throws("InvalidStateError", () => three.postMessage(1));
        throws("DataCloneError", () => one.postMessage(Symbol()));
        "#,
    );
}
