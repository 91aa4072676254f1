//! System calls: the files of the system in force in an instance, what becomes of them, and the
//! program that is loaded with them.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::dispatch::{deadline, namespace};
use crate::eval::program::System;
use crate::eval::slot::Slot;
use crate::image;
use crate::limits::OVERRIDE_HISTORY_MAX;
use crate::storage::{Override, OverrideChange, PastWish, text_hash};
use crate::wire::{Answer, CallError, FileChange, FileContent, FileFrom, SystemChange, SystemFile};

/// Overrides one file, from the next load on.
pub async fn write(
    slot: &Slot,
    path: String,
    source: String,
    note: Option<String>,
) -> Result<Answer, CallError> {
    let change = of_image(FileChange {
        path,
        source: Some(source),
        image: None,
    });
    namespace(slot, &[])?
        .change_overrides(&[change], note.as_deref(), deadline(slot))
        .await?;
    Ok(Answer::Nothing)
}

/// Restores one file or all, from the next load on.
pub async fn restore(
    slot: &Slot,
    path: Option<String>,
    note: Option<String>,
) -> Result<Answer, CallError> {
    namespace(slot, &[])?
        .restore_overrides(path.as_deref(), note.as_deref(), deadline(slot))
        .await?;
    Ok(Answer::Nothing)
}

/// The changes that were made, the latest first.
pub async fn history(
    slot: &Slot,
    path: Option<String>,
    before: Option<i64>,
    limit: u32,
) -> Result<Answer, CallError> {
    let most = u32::try_from(OVERRIDE_HISTORY_MAX).unwrap_or(u32::MAX);
    let wish = PastWish {
        path,
        before,
        limit: limit.min(most),
    };
    let past = namespace(slot, &[])?
        .past_overrides(&wish, deadline(slot))
        .await?;
    let list = past.into_iter().map(|change| {
        json!({
            "number": change.number, "path": change.path, "at": change.at, "note": change.note,
            "source": change.source_hash, "image": change.image_hash,
        })
    });
    Ok(Answer::Json(Value::from_iter(list).to_string()))
}

/// A text that history has.
pub async fn text(slot: &Slot, digest: String) -> Result<Answer, CallError> {
    let text = namespace(slot, &[])?
        .override_text(&digest, deadline(slot))
        .await?;
    Ok(text.map_or(Answer::Nothing, |text| {
        Answer::Json(json!(text).to_string())
    }))
}

// What is written was made from the image's text of now, unless told.
fn of_image(change: FileChange) -> OverrideChange {
    let image = change
        .image
        .or_else(|| image::file(&change.path).map(str::to_owned));
    OverrideChange {
        image: image.filter(|_| change.source.is_some()),
        path: change.path,
        source: change.source,
    }
}

/// Writes and restores several files at once. With `reload` the program is loaded with them and
/// asked what it has to answer, before anything changes.
pub async fn change(slot: &Arc<Slot>, change: SystemChange) -> Result<Answer, CallError> {
    let namespace = namespace(slot, &[])?;
    let changes: Vec<OverrideChange> = change.changes.into_iter().map(of_image).collect();
    let note = change.note.as_deref();
    let Some(reload) = change.reload else {
        namespace
            .change_overrides(&changes, note, deadline(slot))
            .await?;
        return Ok(Answer::Nothing);
    };
    let known = namespace.overrides(deadline(slot)).await?;
    let mut files: HashMap<String, String> = known
        .into_iter()
        .map(|file| (file.path, file.source))
        .collect();
    for change in &changes {
        match &change.source {
            Some(source) => files.insert(change.path.clone(), source.clone()),
            None => files.remove(&change.path),
        };
    }
    let kernel = &slot.kernel;
    let candidate = kernel
        .load_with(slot, System::with(files), &reload.checks)
        .await?;
    // From here on only the disk can refuse, and then what serves goes on serving.
    if let Err(error) = namespace
        .change_overrides(&changes, note, deadline(slot))
        .await
    {
        candidate.discard();
        return Err(error.into());
    }
    candidate.adopt();
    Ok(Answer::Nothing)
}

/// Every file, and where it comes from.
pub async fn list(slot: &Slot) -> Result<Answer, CallError> {
    let overrides = namespace(slot, &[])?.overrides(deadline(slot)).await?;
    let mut overrides: HashMap<String, Override> = overrides
        .into_iter()
        .map(|file| (file.path.clone(), file))
        .collect();
    let mut paths: Vec<String> = image::paths().map(str::to_owned).collect();
    paths.extend(
        overrides
            .keys()
            .filter(|path| image::bytes(path).is_none())
            .cloned(),
    );
    paths.sort();
    let files = paths.into_iter().map(|path| match overrides.remove(&path) {
        None => json!({ "path": path, "from": "image" }),
        Some(file) => {
            let image = image::hash(&path);
            json!({
                "path": path,
                "from": if image.is_some() { "override" } else { "added" },
                "at": file.at,
                "note": file.note,
                "digest": text_hash(&file.source),
                "moved": image != file.image_hash,
            })
        }
    });
    Ok(Answer::Json(Value::from_iter(files).to_string()))
}

/// One file as it is in force.
pub async fn read(slot: &Slot, path: String) -> Result<Answer, CallError> {
    let namespace = namespace(slot, &[])?;
    let overrides = namespace.overrides(deadline(slot)).await?;
    let Some(file) = overrides.into_iter().find(|file| file.path == path) else {
        let file = image::bytes(&path).map(|bytes| SystemFile {
            content: match image::file(&path) {
                Some(text) => FileContent::Text(text.to_owned()),
                None => FileContent::Bytes(bytes.to_vec()),
            },
            from: FileFrom::Image,
            image: None,
            base: None,
            note: None,
        });
        return Ok(Answer::File(file));
    };
    let image = image::file(&path);
    let base = match &file.image_hash {
        None => None,
        Some(hash) => namespace.override_text(hash, deadline(slot)).await?,
    };
    Ok(Answer::File(Some(SystemFile {
        from: match image {
            Some(image) if image == file.source => FileFrom::Image,
            Some(_) => FileFrom::Override,
            None => FileFrom::Added,
        },
        image: image
            .filter(|image| *image != file.source)
            .map(str::to_owned),
        content: FileContent::Text(file.source),
        base,
        note: file.note,
    })))
}

/// How the instance fares, as far as the kernel can tell.
pub fn health(slot: &Slot) -> Answer {
    let kernel = &slot.kernel;
    // Those below are told nothing of what is around them.
    let is_first = slot.is_first();
    let health = json!({
        "counts": is_first.then(|| kernel.counts.told(kernel.processes())),
        "sandboxMissing": kernel.children.missing_layers(),
        "fares": kernel.fares_of(slot),
        "stopped": kernel.stopped_of(slot).map(|failure| json!({
            "message": failure.message, "stack": failure.stack,
        })),
    });
    Answer::Json(health.to_string())
}
