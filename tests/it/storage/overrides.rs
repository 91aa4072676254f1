use town::storage::{OverrideChange, PastWish, text_hash};

use super::*;

/// A text for a path, made from a text of the image.
fn written(path: &str, source: &str, image: Option<&str>) -> OverrideChange {
    OverrideChange {
        path: path.into(),
        source: Some(source.into()),
        image: image.map(str::to_owned),
    }
}

async fn change(root: &Namespace, changes: &[OverrideChange], note: &str) {
    root.change_overrides(changes, Some(note), soon())
        .await
        .unwrap();
}

#[tokio::test]
async fn overrides_are_written_listed_and_restored() {
    let (stores, _directory) = stores();
    let root = stores.root();
    assert!(root.overrides(soon()).await.unwrap().is_empty());
    root.restore_overrides(None, None, soon()).await.unwrap();
    root.restore_overrides(Some("main.ts"), None, soon())
        .await
        .unwrap();
    assert_eq!(root.usage().bytes, 0);

    let first = [
        written("main.ts", "one", Some("image")),
        written("lib/a.ts", "two", None),
    ];
    change(&root, &first, "first").await;
    change(
        &root,
        &[written("main.ts", "three", Some("later"))],
        "second",
    )
    .await;
    let all = root.overrides(soon()).await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|o| {
            let note = o.note.as_deref();
            (
                o.path.as_str(),
                o.source.as_str(),
                o.image_hash.clone(),
                note,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("lib/a.ts", "two", None, Some("first")),
            ("main.ts", "three", Some(text_hash("later")), Some("second")),
        ]
    );
    assert!(all[0].at > 1_600_000_000_000);
    let text = root.override_text(&text_hash("later"), soon()).await;
    assert_eq!(text.unwrap().as_deref(), Some("later"));

    root.restore_overrides(Some("main.ts"), Some("third"), soon())
        .await
        .unwrap();
    assert_eq!(root.overrides(soon()).await.unwrap().len(), 1);
    root.restore_overrides(None, None, soon()).await.unwrap();
    assert!(root.overrides(soon()).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_history_has_every_change_and_every_text() {
    let (stores, _directory) = stores();
    let root = stores.root();
    let wish = PastWish {
        limit: 100,
        ..PastWish::default()
    };
    assert!(root.past_overrides(&wish, soon()).await.unwrap().is_empty());
    change(&root, &[written("a.ts", "one", Some("image"))], "first").await;
    let both = [
        written("a.ts", "two", Some("image")),
        written("b.ts", "x", None),
    ];
    change(&root, &both, "second").await;
    // What is not overridden is not restored.
    root.restore_overrides(Some("c.ts"), Some("none"), soon())
        .await
        .unwrap();
    root.restore_overrides(Some("a.ts"), Some("third"), soon())
        .await
        .unwrap();
    let past = root.past_overrides(&wish, soon()).await.unwrap();
    let told: Vec<_> = past
        .iter()
        .map(|c| (c.path.as_str(), c.source_hash.clone(), c.note.as_deref()))
        .collect();
    let expected = [
        ("a.ts", None, Some("third")),
        ("b.ts", Some(text_hash("x")), Some("second")),
        ("a.ts", Some(text_hash("two")), Some("second")),
        ("a.ts", Some(text_hash("one")), Some("first")),
    ];
    assert_eq!(told, expected);
    for text in ["one", "two", "x", "image"] {
        let kept = root.override_text(&text_hash(text), soon()).await.unwrap();
        assert_eq!(kept.as_deref(), Some(text));
    }
    let before = PastWish {
        path: Some("a.ts".into()),
        before: Some(past[0].number),
        limit: 1,
    };
    let one = root.past_overrides(&before, soon()).await.unwrap();
    assert_eq!(one, [past[2].clone()]);
}

#[tokio::test]
async fn the_oldest_changes_are_forgotten_with_their_texts() {
    let (stores, _directory) = stores();
    let root = stores.root();
    change(&root, &[written("kept.ts", "kept", Some("base"))], "kept").await;
    for round in 0..5 {
        let many: Vec<_> = (0..240)
            .map(|number| written("a.ts", &format!("{round} {number}"), None))
            .collect();
        change(&root, &many, "many").await;
    }
    let wish = PastWish {
        limit: u32::MAX,
        ..PastWish::default()
    };
    assert_eq!(
        root.past_overrides(&wish, soon()).await.unwrap().len(),
        1000
    );
    let text = async |text: &str| root.override_text(&text_hash(text), soon()).await.unwrap();
    assert_eq!(text("0 0").await, None);
    assert_eq!(text("4 239").await.as_deref(), Some("4 239"));
    // An override is there for as long as nobody restores it, and what it was made from with it.
    assert_eq!(text("base").await.as_deref(), Some("base"));
    assert_eq!(root.overrides(soon()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn many_large_overrides_can_be_read() {
    let (stores, _directory) = stores();
    let root = stores.root();
    let source = "x".repeat(2 << 20);
    for number in 0..9 {
        change(
            &root,
            &[written(&format!("{number}.ts"), &source, None)],
            "",
        )
        .await;
    }
    assert_eq!(root.overrides(soon()).await.unwrap().len(), 9);
    let longer = format!("{source}x");
    for refused in [written("a.ts", &longer, None), written("", "x", None)] {
        let error = root.change_overrides(&[refused], None, soon()).await;
        assert_eq!(error.unwrap_err(), StorageError::OverrideTooLarge);
    }
}

#[tokio::test]
async fn rows_that_are_no_overrides_are_passed_over() {
    let (stores, _directory) = stores();
    let root = stores.root();
    change(&root, &[written("a.ts", "one", None)], "").await;
    run(
        &root,
        "INSERT INTO system_override VALUES (NULL, 'x', 1, 'y'), ('b.ts', x'00', NULL, 0)",
    )
    .await
    .unwrap();
    assert_eq!(root.overrides(soon()).await.unwrap().len(), 1);
}
