//! Databases carried away and back: archives as bodies, for programs; whole folders as files, for
//! the command line; the secret that goes with them, sealed.

mod folder;
mod sealing;

pub use folder::{CarryError, export_folder, import_folder};

use std::time::Duration;

use futures_util::StreamExt as _;

use crate::eval::body::{Body, BodyError};
use crate::eval::process::Process;
use crate::eval::slot::Slot;
use crate::image;
use crate::limits::ARCHIVE_NOTE_BYTES_MAX;
use crate::storage::{Chunks, Deadline, Imported, Label, Namespace, Selection};
use crate::wire::{Answer, CallError};

const CONTENT_TYPE: &str = "application/x-tar";

/// A database and all below it, as the body of a response.
pub async fn export(
    slot: &Slot,
    process: &Process,
    namespace: &Namespace,
    note: Option<String>,
) -> Result<Answer, CallError> {
    if note.as_ref().map_or(0, String::len) > ARCHIVE_NOTE_BYTES_MAX {
        let message = format!("A note is over the limit of {ARCHIVE_NOTE_BYTES_MAX} bytes");
        return Err(CallError::Invalid(message));
    }
    let image = image::digest();
    let snapshot = namespace.snapshot(deadline(slot)).await?;
    let archive = snapshot.archive(Label { image, note })?;
    let length = archive.bytes();
    let chunks = futures_util::stream::unfold(archive.stream(), |mut chunks| async move {
        let chunk = chunks.recv().await?;
        Some((chunk.map_err(BodyError::Source), chunks))
    });
    let header = |name: &str, value: String| (name.to_string(), value.into_bytes());
    Ok(Answer::Response {
        status: 200,
        headers: vec![
            header("content-type", CONTENT_TYPE.into()),
            header("content-length", length.to_string()),
        ],
        url: String::new(),
        redirected: false,
        body: process.body_down_lazy(Body::Stream {
            chunks: Box::pin(chunks),
            length: Some(length),
        }),
    })
}

/// An archive becomes a database and those below it.
pub async fn import(slot: &Slot, place: &Namespace, body: Body) -> Result<Answer, CallError> {
    let fill = |chunks: Chunks| async move {
        let mut stream = body.into_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|error| error.to_string());
            if chunks.send(chunk).await.is_err() {
                return;
            }
        }
    };
    let imported = place.import(fill, deadline(slot)).await?;
    Ok(answer(imported))
}

/// A copy of a database and what is selected of all below it, as another.
pub async fn copy(
    slot: &Slot,
    from: &Namespace,
    place: &Namespace,
    selection: &Selection,
) -> Result<Answer, CallError> {
    let snapshot = from.snapshot_of(selection, deadline(slot)).await?;
    Ok(answer(place.adopt(snapshot).await?))
}

fn answer(imported: Imported) -> Answer {
    Answer::Imported {
        databases: imported.databases as u64,
        bytes: imported.bytes,
        note: imported.label.note,
    }
}

// As long as a run has: nothing of the program waits in JavaScript meanwhile.
fn deadline(slot: &Slot) -> Deadline {
    Deadline::after(Duration::from_millis(slot.grant.limits().deadline_ms))
}
