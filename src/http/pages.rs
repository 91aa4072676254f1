//! Pages of last resort: what a visitor sees when no program answers.

use askama::Template;

use crate::wire::{Failure, Outcome};

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    title: &'a str,
    what: &'a str,
    advice: &'a str,
}

/// The page for a failure of the root program itself. It shows no source and no paths.
pub fn failure(failure: &Failure) -> String {
    let (title, what, advice) = match failure.outcome {
        Outcome::Load => (
            "The town's program does not load",
            "The program that serves this town could not be started.",
            "Its owner finds the reason in the log, and can start the town with --safe-mode, \
             which ignores changes to the town's own program, and restore it from there.",
        ),
        Outcome::Overload => (
            "The town is busy",
            "More requests are being served than this machine has room for.",
            "Try again in a moment.",
        ),
        Outcome::Body => (
            "The request is too large",
            "The body of the request is over the limit.",
            "Send less at a time.",
        ),
        Outcome::Deadline | Outcome::Stall | Outcome::Cpu => (
            "The town took too long",
            "The program that serves this town did not answer in time.",
            "Try again in a moment.",
        ),
        Outcome::Ok
        | Outcome::Exception
        | Outcome::Crash
        | Outcome::Canceled
        | Outcome::Memory
        | Outcome::Recursion
        | Outcome::Depth => (
            "The town's program failed",
            "The program that serves this town failed at this request.",
            "Its owner finds the reason in the log. Other pages may work.",
        ),
    };
    let page = FailurePage {
        title,
        what,
        advice,
    };
    page.render()
        .unwrap_or_else(|_| format!("{title}\n{what}\n{advice}\n"))
}
