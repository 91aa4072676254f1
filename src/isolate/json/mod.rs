//! `JSON`, in place of the engine's: two functions, and what the engine's own are still for.

mod parse;
mod stringify;

use boa_engine::{Context, JsResult};

/// Puts both functions into the realm.
pub fn install(context: &mut Context) -> JsResult<()> {
    parse::install(context)?;
    stringify::install(context)
}

#[cfg(test)]
mod harness {
    use boa_engine::Context;

    /// Runs JavaScript with the engine's own `JSON` as `engine` and this one as `JSON`.
    pub fn run(code: &str) -> String {
        // As much stack as a process has.
        let thread = std::thread::Builder::new().stack_size(64 << 20);
        let code = code.to_string();
        let thread = thread.spawn(move || evaluated(&code));
        thread.expect("a thread").join().expect("it ends")
    }

    fn evaluated(code: &str) -> String {
        let mut context = Context::default();
        let keep = "globalThis.engine = { ...JSON, parse: JSON.parse, stringify: JSON.stringify };";
        context.eval_text(keep, None).expect("it runs");
        super::install(&mut context).expect("it is put in place");
        let value = context.eval_text(code, None).expect("it runs");
        let text = value.to_string(&mut context).expect("a text");
        text.to_std_string_escaped()
    }
}
