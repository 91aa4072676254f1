//! Pages of last resort: what a visitor sees when no program answers.

use askama::Template;

use crate::image::SCHEME;
use crate::wire::{Failure, Outcome};

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    title: &'a str,
    what: &'a str,
    advice: &'a str,
    place: Option<Place<'a>>,
    back: Option<&'a str>,
}

/// Where in a file of the system something failed.
struct Place<'a> {
    file: &'a str,
    line: &'a str,
}

/// The page for a failure of the root program itself. It shows no source and no paths of the
/// machine. `back`: where the image's own program answers, if another one should.
pub fn failure(failure: &Failure, back: Option<&str>) -> String {
    let (title, what, advice) = match failure.outcome {
        Outcome::Load => (
            "The town's program does not load",
            "The program that serves this town could not be started.",
            "Its owner finds the reason in the log.",
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
        place: place(&failure.message).or_else(|| place(&failure.stack)),
        back,
    };
    page.render()
        .unwrap_or_else(|_| format!("{title}\n{what}\n{advice}\n"))
}

// The first `town:system/<file>:<line>` of a text.
fn place(text: &str) -> Option<Place<'_>> {
    text.split(SCHEME).skip(1).find_map(|rest| {
        let (file, rest) = rest.split_once(':')?;
        let end = rest.find(|c: char| !c.is_ascii_digit());
        let line = &rest[..end.unwrap_or(rest.len())];
        let is_path = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        let fits = !line.is_empty() && file.chars().all(is_path);
        fits.then_some(Place { file, line })
    })
}
