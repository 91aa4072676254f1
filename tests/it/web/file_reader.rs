//! FileReader, and URLs of blobs.

use super::check;

#[test]
fn a_reader_tells_its_steps_in_order_and_gives_each_form() {
    check(
        r#"
        const read = (how, blob, ...rest) => new Promise((resolve) => {
          const reader = new FileReader(), steps = [];
          for (const type of ["loadstart", "progress", "load", "loadend"]) {
            reader.addEventListener(type, (event) => steps.push(`${type} ${event.loaded}/${event.total}`));
          }
          reader.onloadend = () => resolve([reader.result, steps, reader.readyState]);
          reader[how](blob, ...rest);
          equal(reader.readyState, FileReader.LOADING);
          throws("InvalidStateError", () => reader[how](blob));
        });
        const blob = new Blob(["h\u00e9"], { type: "text/plain" });
        const [text, steps, state] = await read("readAsText", blob);
        equal(text, "h\u00e9");
        equal(steps, ["loadstart 0/3", "progress 3/3", "load 3/3", "loadend 3/3"]);
        equal(state, 2);
        equal((await read("readAsText", new Blob([new Uint8Array([0xe9])]), "latin1"))[0], "\u00e9");
        equal((await read("readAsDataURL", blob))[0], "data:text/plain;base64,aMOp");
        equal((await read("readAsBinaryString", blob))[0], "h\u00c3\u00a9");
        equal((await read("readAsArrayBuffer", blob))[0].byteLength, 3);
        throws("TypeError", () => new FileReader().readAsText("x"));
        "#,
    );
}

#[test]
fn a_reading_that_was_aborted_has_no_result() {
    check(
        r#"
        const reader = new FileReader(), steps = [];
        for (const type of ["loadstart", "load", "abort", "loadend"]) reader[`on${type}`] = () => steps.push(type);
        reader.readAsText(new Blob(["x"]));
        reader.abort();
        await sleep(5);
        equal(steps, ["abort", "loadend"]);
        equal(reader.result, null);
        "#,
    );
}

#[test]
fn a_blob_is_fetched_by_its_url_until_that_is_revoked() {
    check(
        r#"
        const url = URL.createObjectURL(new Blob(["inside"], { type: "text/x" }));
        const response = await fetch(`${url}#part`);
        equal([await response.text(), response.headers.get("content-type")], ["inside", "text/x"]);
        const request = new Request(url);
        URL.revokeObjectURL(url);
        equal(await (await fetch(request)).text(), "inside");
        await rejects("TypeError", fetch(url));
        throws("TypeError", () => URL.createObjectURL({}));
        "#,
    );
}
