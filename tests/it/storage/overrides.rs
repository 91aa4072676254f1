use super::*;

#[tokio::test]
async fn overrides_are_written_listed_and_restored() {
    let (stores, _directory) = stores();
    let root = stores.root();
    assert!(root.overrides(soon()).await.unwrap().is_empty());
    root.restore_override(None, soon()).await.unwrap();
    root.restore_override(Some("main.ts"), soon())
        .await
        .unwrap();
    assert_eq!(root.usage().bytes, 0);

    root.write_override("main.ts", "one", Some("hash"), soon())
        .await
        .unwrap();
    root.write_override("lib/a.ts", "two", None, soon())
        .await
        .unwrap();
    root.write_override("main.ts", "three", Some("other"), soon())
        .await
        .unwrap();
    let all = root.overrides(soon()).await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|o| (o.path.as_str(), o.source.as_str(), o.image_hash.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("lib/a.ts", "two", None),
            ("main.ts", "three", Some("other"))
        ]
    );
    assert!(all[0].at > 1_600_000_000_000);

    root.restore_override(Some("main.ts"), soon())
        .await
        .unwrap();
    assert_eq!(root.overrides(soon()).await.unwrap().len(), 1);
    root.restore_override(None, soon()).await.unwrap();
    assert!(root.overrides(soon()).await.unwrap().is_empty());
}

#[tokio::test]
async fn many_large_overrides_can_be_read() {
    let (stores, _directory) = stores();
    let root = stores.root();
    let source = "x".repeat(2 << 20);
    for number in 0..9 {
        root.write_override(&format!("{number}.ts"), &source, None, soon())
            .await
            .unwrap();
    }
    assert_eq!(root.overrides(soon()).await.unwrap().len(), 9);
    let longer = format!("{source}x");
    let error = root
        .write_override("a.ts", &longer, None, soon())
        .await
        .unwrap_err();
    assert_eq!(error, StorageError::OverrideTooLarge);
    assert_eq!(
        root.write_override("", "x", None, soon())
            .await
            .unwrap_err(),
        StorageError::OverrideTooLarge
    );
}

#[tokio::test]
async fn rows_that_are_no_overrides_are_passed_over() {
    let (stores, _directory) = stores();
    let root = stores.root();
    root.write_override("a.ts", "one", None, soon())
        .await
        .unwrap();
    run(
        &root,
        "INSERT INTO system_override VALUES (NULL, 'x', 1, 'y'), ('b.ts', x'00', NULL, 0)",
    )
    .await
    .unwrap();
    assert_eq!(root.overrides(soon()).await.unwrap().len(), 1);
}
