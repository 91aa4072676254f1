//! `CompressionStream` and `DecompressionStream`.

use super::check;

#[track_caller]
fn check_coding(script: &str) {
    check(&format!(
        "const bytesOf = async (stream) => new Uint8Array(await new Response(stream).arrayBuffer());
        const through = (stream, ...chunks) => bytesOf(ReadableStream.from(chunks).pipeThrough(stream));
        const text = (string) => new TextEncoder().encode(string);
        const formats = [\"gzip\", \"deflate\", \"deflate-raw\", \"brotli\"];
        {script}"
    ));
}

#[test]
fn what_is_compressed_comes_back_whatever_its_chunks() {
    check_coding(
        r##"
        const long = text("a line of text that comes again and again\n".repeat(20_000));
        for (const format of formats) {
          const small = await through(new CompressionStream(format), long.subarray(0, 1), new Uint8Array(0), long.subarray(1, 500_000).buffer.slice(1, 500_000), long.subarray(500_000));
          same(small.length < long.length / 50, true);
          const back = await through(new DecompressionStream(format), small.subarray(0, 7), small.subarray(7, 8), new DataView(small.buffer, 8));
          same(back.length, long.length);
          same(back.every((byte, index) => byte === long[index]), true);
          same((await through(new DecompressionStream(format), await through(new CompressionStream(format)))).length, 0);
        }
        "##,
    );
}

#[test]
fn output_comes_in_pieces_of_bounded_size() {
    check_coding(
        r##"
        const zeros = new Uint8Array(1_000_000);
        for (const format of formats) {
          const small = await through(new CompressionStream(format), zeros);
          let total = 0, most = 0;
          for await (const piece of ReadableStream.from([small]).pipeThrough(new DecompressionStream(format))) {
            total += piece.length;
            most = Math.max(most, piece.length);
          }
          same(total, zeros.length);
          same(most <= 65_536, true);
        }
        "##,
    );
}

#[test]
fn gzip_of_others_is_read() {
    check_coding(
        r##"
        // `printf hello | gzip -n`
        const hello = Uint8Array.fromHex("1f8b0800000000000003cb48cdc9c9070086a6103605000000");
        same(new TextDecoder().decode(await through(new DecompressionStream("gzip"), hello)), "hello");
        const made = await through(new CompressionStream("gzip"), text("hello"));
        same([made[0], made[1], made[2]], [0x1f, 0x8b, 8]);
        "##,
    );
}

#[test]
fn corrupt_truncated_and_trailing_data_are_type_errors() {
    check_coding(
        r##"
        for (const format of formats) {
          const good = await through(new CompressionStream(format), text("hello hello hello hello"));
          await rejects("TypeError", through(new DecompressionStream(format), good.subarray(0, good.length - 1)));
          await rejects("TypeError", through(new DecompressionStream(format)));
          await rejects("TypeError", through(new DecompressionStream(format), good, new Uint8Array(1)));
          await rejects("TypeError", through(new DecompressionStream(format), new Uint8Array(40).fill(0xff)));
          const stream = new DecompressionStream(format);
          const writer = stream.writable.getWriter(), reader = stream.readable.getReader();
          const padded = new Uint8Array(good.length + 1);
          padded.set(good);
          const written = writer.write(padded).catch((error) => error);
          same(new TextDecoder().decode((await reader.read()).value), "hello hello hello hello");
          await rejects("TypeError", reader.read());
          same((await written).name, "TypeError");
        }
        "##,
    );
}

#[test]
fn formats_and_chunks_are_checked() {
    check_coding(
        r##"
        for (const Class of [CompressionStream, DecompressionStream]) {
          throws("TypeError", () => new Class("zip"));
          throws("TypeError", () => new Class());
          throws("TypeError", () => Class("gzip"));
          throws("TypeError", () => Class.prototype.readable);
          for (const chunk of [null, "text", 1, [1], {}, new SharedArrayBuffer(1), new Uint8Array(new SharedArrayBuffer(1))]) {
            const stream = new Class("gzip");
            stream.readable.getReader().read().catch(() => {});
            await rejects("TypeError", stream.writable.getWriter().write(chunk));
          }
        }
        same(String(new CompressionStream("gzip")), "[object CompressionStream]");
        "##,
    );
}
