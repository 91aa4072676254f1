//! `Blob` and `File`.

use super::check;

#[test]
fn a_blob_joins_its_parts() {
    check(
        r##"
        const blob = new Blob(["é", new Uint8Array([1, 2]).subarray(1), new ArrayBuffer(1), new Blob(["x"]), 5], { type: "Text/Plain" });
        same(blob.size, 6);
        same(blob.type, "text/plain");
        same(await blob.bytes(), [0xc3, 0xa9, 2, 0, 120, 53]);
        same(new Uint8Array(await blob.arrayBuffer()), await blob.bytes());
        same(await new Blob(["\ufeffa€"]).text(), "a€");
        same(new Blob().size, 0);
        same(new Blob([], { type: "a\u0001b" }).type, "");
        same(await new Blob(["a\r\nb\rc"], { endings: "native" }).text(), "a\nb\nc");
        const streamed = [];
        for await (const chunk of blob.stream()) streamed.push(...chunk);
        same(streamed, await blob.bytes());
        same(blob.stream() instanceof ReadableStream, true);
        throws("TypeError", () => new Blob("text"));
        throws("TypeError", () => new Blob(5));
        throws("TypeError", () => new Blob([], 5));
        throws("TypeError", () => Blob([]));
        throws("TypeError", () => new Blob([], { endings: "other" }));
        await rejects("TypeError", Blob.prototype.text.call({}));
        throws("TypeError", () => Blob.prototype.stream.call({}));
        "##,
    );
}

#[test]
fn slices_are_clamped_and_typed() {
    check(
        r##"
        const blob = new Blob(["0123456789"], { type: "a/b" });
        const text = (...range) => blob.slice(...range).text();
        same(await text(), "0123456789");
        same(await text(2, 5), "234");
        same(await text(-3), "789");
        same(await text(-3, -1), "78");
        same(await text(5, 2), "");
        same(await text(8, 99), "89");
        same(await text(-99, 2), "01");
        same(await text(1.5, 2.5), "");
        same(await text(0.5, 3.5), "0123");
        same(await text(NaN, Infinity), "0123456789");
        same(blob.slice(1, 2).type, "");
        same(blob.slice(1, 2, "C/D").type, "c/d");
        same(await blob.slice(2, 8).slice(1, 3).text(), "34");
        "##,
    );
}

#[test]
fn a_file_is_a_named_blob() {
    check(
        r##"
        const file = new File(["abc"], "a.txt", { type: "text/plain", lastModified: 12.9 });
        same(file instanceof Blob, true);
        same(file.name, "a.txt");
        same(file.lastModified, 12);
        same(file.size, 3);
        same(await file.text(), "abc");
        same(String(file), "[object File]");
        same(file.slice() instanceof File, false);
        same(Math.abs(new File([], "x").lastModified - Date.now()) < 10000, true);
        throws("TypeError", () => new File([]));
        throws("TypeError", () => Object.getOwnPropertyDescriptor(File.prototype, "name").get.call(new Blob()));
        same(Object.getPrototypeOf(File), Blob);
        lines.length = 0;
        console.log(file, new Blob(["x"]));
        same(lines[0][1], 'File { name: "a.txt", size: 3, type: "text/plain" } Blob { size: 1, type: "" }');
        "##,
    );
}
