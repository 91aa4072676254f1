//! What can be said of a statement by its first words. Only for the choice of a connection and for
//! better messages: nothing is safe because of this file.

/// Words that begin statements worth keeping prepared. Pragmas do part of their work while they are
/// prepared, so they must not be kept.
const KEPT: [&str; 7] = [
    "SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "WITH", "VALUES",
];
/// Words that begin statements that most likely only read.
const READING: [&str; 5] = ["SELECT", "WITH", "VALUES", "PRAGMA", "EXPLAIN"];

/// Whether the statement most likely only reads.
pub(in crate::storage) fn reads_by_its_first_word(sql: &str) -> bool {
    begins_with_one_of(sql, &READING)
}

/// Whether the statement may be kept prepared.
pub(super) fn is_kept(sql: &str) -> bool {
    begins_with_one_of(sql, &KEPT)
}

/// Whether it is `VACUUM`, which no transaction can hold.
pub(super) fn is_vacuum(sql: &str) -> bool {
    begins_with_one_of(sql, &["VACUUM"])
}

/// Whether it is `PRAGMA foreign_keys ...`.
pub(super) fn sets_foreign_keys(sql: &str) -> bool {
    let (first, rest) = first_word(sql);
    first.eq_ignore_ascii_case("PRAGMA") && first_word(rest).0.eq_ignore_ascii_case("foreign_keys")
}

fn begins_with_one_of(sql: &str, words: &[&str]) -> bool {
    let first = first_word(sql).0;
    words.iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// Whether there is nothing but blanks, comments and semicolons.
pub(super) fn is_blank(sql: &str) -> bool {
    let mut rest = after_comments(sql);
    while let Some(after) = rest.strip_prefix(';') {
        rest = after_comments(after);
    }
    rest.is_empty()
}

/// The first word after blanks and comments, and what follows it.
fn first_word(sql: &str) -> (&str, &str) {
    let rest = after_comments(sql);
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    rest.split_at(end.unwrap_or(rest.len()))
}

fn after_comments(sql: &str) -> &str {
    let mut rest = sql.trim_start();
    loop {
        let after = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
        rest = after.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_behind_comments() {
        assert_eq!(first_word(" -- a\n /* b */ select(1)"), ("select", "(1)"));
        assert_eq!(first_word("/* open"), ("", ""));
        assert!(sets_foreign_keys("pragma /* x */ Foreign_Keys=off"));
        assert!(!sets_foreign_keys("pragma foreign_key_check"));
        assert!(is_blank(" ; -- x\n;/**/"));
        assert!(!is_blank("; select 1"));
        assert!(!reads_by_its_first_word("insert into t values (1)"));
    }
}
