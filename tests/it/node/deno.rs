//! `Deno`, as programs written for it use it.

use super::answers;
use crate::town::Town;

#[tokio::test]
async fn deno_serve_is_the_handler_of_a_program_without_one() {
    let town = Town::root().await;
    for (name, code) in [
        (
            "function",
            r#"const server = Deno.serve((request, info) => new Response(`${request.method} ${info.remoteAddr.transport} ${typeof server.shutdown}`));"#,
        ),
        (
            "options",
            r#"Deno.serve({ port: 8000, onListen() {} }, async (request) => new Response(`${request.method} tcp function`));"#,
        ),
        (
            "one-object",
            r#"Deno.serve({ port: 8000, handler: (request) => new Response(`${request.method} tcp function`) });"#,
        ),
        (
            "fails",
            r#"Deno.serve({ onError: (error) => new Response(error.message) }, () => { throw new Error("GET tcp function"); });"#,
        ),
    ] {
        let made = town.val(name, code).await;
        assert_eq!(made["diagnostics"], serde_json::json!([]), "{name}");
        let answer = town.run(name).await;
        assert_eq!(answer, (200, "GET tcp function".into()), "{name}");
    }
}

#[tokio::test]
async fn deno_has_what_needs_no_machine_and_says_what_to_use_for_the_rest() {
    answers(&[
        (
            "there",
            r#"["string","linux",{"none":true,"set":true,"all":"object"},"{ a: { b: [ 1 ] } }","NotFound",0,"/"]"#,
            r#"export default () => {
              Deno.env.set("A", "b");
              return Response.json([
                typeof Deno.version.deno, Deno.build.os, { none: !Deno.env.has("A"), set: Deno.env.get("A") === undefined, all: typeof Deno.env.toObject() },
                Deno.inspect({ a: { b: [1] } }), new Deno.errors.NotFound("x").name, Deno.args.length, Deno.cwd(),
              ]);
            };"#,
        ),
        (
            "not-there",
            r#"["NotSupported: Deno.writeTextFile is not available here: files are read with Deno.readTextFile where they are in the program's modules; what is written goes to storage","NotSupported: Deno.Command is not available here: programs are started with the loader of town:kernel","NotSupported: Deno.listen is not available here: requests go out with fetch and come in by an exported handler","NotSupported: Deno.openKv is not available here: a program has storage, fetch and the loader"]"#,
            r#"const said = (act) => { try { return act(); } catch (error) { return String(error); } };
            export default () => Response.json([
              said(() => Deno.writeTextFile("a", "b")), said(() => new Deno.Command("ls")), said(() => Deno.listen({ port: 1 })), said(() => Deno.openKv()),
            ]);"#,
        ),
    ])
    .await;
}
