//! `Intl`: what server code asks of it, as V8 answers.

use crate::town::Town;

#[tokio::test]
async fn numbers_dates_lists_and_names_are_written_as_in_v8() {
    let town = Town::start().await;
    let code = format!(
        "const cases: [string, () => unknown][] = [\n{}\n];\n{}",
        include_str!("intl.expected")
            .lines()
            .filter_map(|line| line.split_once(" // "))
            .map(|(code, _)| format!("[{code:?}, () => {code}],"))
            .collect::<Vec<_>>()
            .join("\n"),
        r#"export default () => Response.json(cases.map(([code, run]) => {
          try { const value = run(); return [code, typeof value === "string" ? value : JSON.stringify(value)]; }
          catch (error) { return [code, error instanceof Error ? error.name : String(error)]; }
        }));"#
    );
    town.val("intl", &code).await;
    let (status, text) = town.run("intl").await;
    assert_eq!(status, 200, "{text}");
    let got: Vec<(String, String)> = serde_json::from_str(&text).expect("pairs");
    let expected: Vec<(String, String)> = include_str!("intl.expected")
        .lines()
        .filter_map(|line| line.split_once(" // "))
        .map(|(code, value)| (code.into(), value.into()))
        .collect();
    assert!(expected.len() > 100, "only {} cases", expected.len());
    let wrong: Vec<String> = expected
        .iter()
        .zip(&got)
        .filter(|(expected, got)| expected != got)
        .map(|(expected, got)| format!("{}: {:?}, and not {:?}", got.0, got.1, expected.1))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
