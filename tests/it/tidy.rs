//! Discipline: what the repository promises about itself, held against its own text.
//!
//! These tests read files and run nothing, except where the engine's patches are concerned.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use boa_engine::Context;
use clap::CommandFactory as _;

use town::config::CommandLine;
use town::limits::Limits;

/// What `src/` does not know, as words of code or comment.
const BANNED: [&str; 6] = ["user", "users", "val", "vals", "version", "versions"];

/// Where a banned word is somebody else's, by the text around it. Each is taken out of a line before
/// the line is judged.
const NOT_OURS: [&str; 33] = [
    // What wasmi calls values.
    "{Val as Value, ValType as ValueType}",
    // Names of HTTP and of its crates.
    "sec-websocket-version",
    "SEC_WEBSOCKET_VERSION",
    "Version, request}",
    "parts.version == Version::HTTP_11",
    "user_agent",
    "userAgent",
    "StatusCode, Version}",
    "parts.version == Version::HTTP_10",
    // Linux and its crates.
    "CLONE_NEWUSER",
    "namespace of users",
    "User and system time",
    "TimeValLike",
    // SQLite.
    "user_version",
    "schema_version",
    "data_version",
    "sqlite3_user_data",
    "as user data",
    "SQLITE_AUTH_USER",
    // The compiler's name for an edition of the language.
    "EsVersion",
    // The folder of the image, the project, and what it takes after.
    "bootstrap-vals",
    "bootstrap_vals",
    "bootstrap vals",
    "TOWN_BOOTSTRAP_VALS",
    "ValTownTown",
    "Val Town",
    // The flag that clap makes of it, and the properties of `Deno` and `process`.
    "name = \"town\", version",
    "version: freeze({",
    "version: \"v",
    "versions: freeze({",
    "version: () => \"\"",
    "user: 0, system: 0",
    "HTTP Version Not Supported",
];

/// Files that may ask the process about its surroundings.
const MAY_READ_ENVIRONMENT: [&str; 6] = [
    "src/main.rs",
    "src/config.rs",
    // The settings that a root program is given.
    "src/kernel.rs",
    // Only the constant that names the processor.
    "src/eval/sandbox.rs",
    // Of debug builds: which defences a test leaves out, and that processes are told.
    "src/isolate/defences.rs",
    "src/eval/children.rs",
];

/// Calls that are no member of an interface in `kernel.d.ts`: the global function.
const CALLS_OUTSIDE: [&str; 1] = ["fetch"];

/// Members that need no call: answered in the process itself.
const MEMBERS_WITHOUT_CALL: [&str; 4] = [
    // Makes a handle.
    "Storage.sub",
    // Told with every request and answer.
    "Storage.revision",
    // Make handles; the program travels with the first call.
    "Loader.get",
    "Loader.load",
];

/// Characters of a line of Rust, as rustfmt has it.
const LINE_CHARACTERS_MAX: usize = 100;

#[test]
fn every_rust_file_says_first_what_it_is() {
    let files = files_of("src", "rs");
    let wrong = files.iter().filter(|file| !file.text.starts_with("//! "));
    assert_none(
        "files without a first sentence",
        wrong.map(|f| f.path.clone()),
    );
}

#[test]
fn every_file_of_the_image_says_first_what_it_is() {
    let files = files_of("bootstrap-vals", "ts");
    let wrong = files.iter().filter(|file| !file.text.starts_with("/**"));
    assert_none(
        "files without a first sentence",
        wrong.map(|f| f.path.clone()),
    );
}

#[test]
fn the_kernel_does_not_know_the_words_of_the_platform() {
    let mut wrong = Vec::new();
    for file in files_of("src", "rs").iter().chain(&files_of("src", "js")) {
        for (number, line) in file.text.lines().enumerate() {
            let mut judged = line.to_string();
            for exception in NOT_OURS {
                judged = judged.replace(exception, "");
            }
            if words(&judged).any(|word| BANNED.contains(&word.as_str())) {
                wrong.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert_none("lines with words of the platform", wrong);
}

#[test]
fn every_exception_to_the_words_is_needed() {
    let mut texts = files_of("src", "rs");
    texts.extend(files_of("src", "js"));
    let is_needed = |exception: &&&str| !texts.iter().any(|file| file.text.contains(**exception));
    let unused = NOT_OURS.iter().filter(is_needed);
    assert_none("exceptions without an occurrence", unused);
}

#[test]
fn nothing_unwraps_outside_tests() {
    let wrong = lines_of_code()
        .into_iter()
        .filter(|line| line.text.contains(".unwrap()") || line.text.contains(".unwrap_err()"));
    assert_none("lines that unwrap", wrong.map(|line| line.place()));
}

#[test]
fn only_the_start_reads_the_environment() {
    let wrong = lines_of_code().into_iter().filter(|line| {
        let reads = line.text.contains("std::env") || line.text.contains(" env::");
        reads && !MAY_READ_ENVIRONMENT.contains(&line.path.as_str())
    });
    assert_none(
        "lines that read the environment",
        wrong.map(|line| line.place()),
    );
}

#[test]
fn nothing_is_left_to_do_in_a_comment() {
    // Written apart, so that this file may be looked at too.
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
    ];
    let mut wrong = Vec::new();
    for (folder, extension) in [
        ("src", "rs"),
        ("src", "js"),
        ("bootstrap-vals", "ts"),
        ("tests", "rs"),
        ("benches", "rs"),
        ("scripts", ""),
    ] {
        for file in files_of(folder, extension) {
            for (number, line) in file.text.lines().enumerate() {
                if whole_words(line).any(|word| marks.iter().any(|mark| mark == word)) {
                    wrong.push(format!("{}:{}: {}", file.path, number + 1, line.trim()));
                }
            }
        }
    }
    assert_none("lines that put something off", wrong);
}

#[test]
fn lines_of_rust_fit_the_page() {
    let mut wrong = Vec::new();
    for file in files_of("src", "rs") {
        for (number, line) in file.text.lines().enumerate() {
            let length = line.chars().count();
            if length > LINE_CHARACTERS_MAX {
                wrong.push(format!("{}:{} has {length}", file.path, number + 1));
            }
        }
    }
    assert_none("lines that are too long", wrong);
}

#[test]
fn files_that_the_architecture_names_exist() {
    let text = read("ARCHITECTURE.md");
    let named = quoted(&text).filter(|name| is_path(name));
    let named: BTreeSet<&str> = named.collect();
    assert!(named.len() > 40, "it names {} files only", named.len());
    let missing = named.iter().filter(|name| !root().join(name).exists());
    assert_none("files that do not exist", missing);
}

#[test]
fn the_architecture_names_every_file_of_the_kernel() {
    let text = read("ARCHITECTURE.md");
    let wrong = files_of("src", "rs").into_iter().filter(|file| {
        // What is below a folder that is named as a whole is spoken of there.
        let folders = [
            "src/isolate/language/",
            "src/isolate/node/",
            "src/isolate/web/",
            "src/eval/compile/",
        ];
        let spoken_of = folders.iter().any(|folder| file.path.starts_with(folder));
        !spoken_of && !file.path.ends_with("/mod.rs") && !text.contains(&format!("`{}`", file.path))
    });
    assert_none("files that are not named", wrong.map(|file| file.path));
}

#[test]
fn decisions_are_numbered_without_a_gap() {
    let mut names: Vec<String> = files_of("docs/decisions", "md")
        .into_iter()
        .filter_map(|file| Some(file.path.rsplit('/').next()?.to_string()))
        .collect();
    names.sort();
    assert!(names.len() >= 12, "there are {} only", names.len());
    for (index, name) in names.iter().enumerate() {
        let number = format!("{:04}-", index + 1);
        assert!(
            name.starts_with(&number),
            "{name} should begin with {number}"
        );
    }
}

#[test]
fn links_between_our_pages_lead_somewhere() {
    let mut pages = vec!["README.md".to_string(), "ARCHITECTURE.md".into()];
    pages.push("patches/README.md".into());
    pages.extend(files_of("docs", "md").into_iter().map(|file| file.path));
    let mut wrong = Vec::new();
    for page in pages {
        let text = read(&page);
        let folder = Path::new(&page)
            .parent()
            .expect("it is a file")
            .to_path_buf();
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = target.split('#').next().expect("there is a first part");
            let outside = target.contains("://") || target.is_empty();
            if !outside && !root().join(&folder).join(target).exists() {
                wrong.push(format!("{page}: {target}"));
            }
        }
    }
    assert_none("links to nothing", wrong);
}

#[test]
fn the_changelog_tells_of_this_version() {
    let heading = format!("## {}", env!("CARGO_PKG_VERSION"));
    let text = read("CHANGELOG.md");
    assert!(
        text.lines().any(|line| line.starts_with(&heading)),
        "no heading {heading}"
    );
}

#[test]
fn the_manual_lists_the_calls_of_the_kernel() {
    let calls: BTreeSet<String> = names_of_calls()
        .into_iter()
        .filter(|name| !CALLS_OUTSIDE.contains(&name.as_str()))
        .collect();
    assert!(
        calls.len() > 15,
        "the list of calls could not be read: {calls:?}"
    );
    let interfaces: BTreeSet<&str> = calls
        .iter()
        .filter_map(|name| name.split('.').next())
        .collect();
    let manual: BTreeSet<String> = members_of_manual()
        .into_iter()
        .filter(|name| interfaces.contains(name.split('.').next().expect("there is a first part")))
        .filter(|name| is_function_or_reader(name))
        .collect();
    let without: BTreeSet<String> = MEMBERS_WITHOUT_CALL
        .iter()
        .map(|name| (*name).into())
        .collect();
    let expected: BTreeSet<String> = calls.union(&without).cloned().collect();
    assert_eq!(
        manual, expected,
        "kernel.d.ts on the left, the kernel's calls on the right"
    );
}

#[test]
fn the_readme_tells_every_flag_and_its_variable() {
    let text = read("README.md");
    let command = CommandLine::command();
    let mut flags = 0;
    for argument in command.get_arguments() {
        let (Some(long), Some(variable)) = (argument.get_long(), argument.get_env()) else {
            continue;
        };
        flags += 1;
        let variable = variable.to_str().expect("our own names are UTF-8");
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| `--{long}")));
        let row = row.unwrap_or_else(|| panic!("README.md does not tell of --{long}"));
        assert!(
            row.contains(&format!("`{variable}`")),
            "{row} should tell of {variable}"
        );
        let default = argument
            .get_default_values()
            .first()
            .and_then(|value| value.to_str());
        // A number of bytes is told in a larger unit.
        if let Some(default) =
            default.filter(|default| default.len() < 15 && long != "storage-limit")
        {
            assert!(
                row.contains(default),
                "{row} should tell the default {default}"
            );
        }
    }
    assert!(flags > 10, "only {flags} flags were found");
}

#[test]
fn the_readme_tells_the_limits_in_force() {
    let text = read("README.md");
    let limits = Limits::default();
    for (name, value) in [
        ("deadlineMs", thousands(limits.deadline_ms)),
        ("cpuMs", thousands(limits.cpu_ms)),
        ("stallMs", thousands(limits.stall_ms)),
        ("memoryMb", thousands(limits.memory_mb)),
        ("bodyBytes", binary(limits.body_bytes)),
        ("logBytes", binary(limits.log_bytes)),
        ("requestsOpen", thousands(limits.requests_open.into())),
        ("isolates", thousands(limits.isolates.into())),
        ("storageBytes", binary(limits.storage_bytes)),
    ] {
        let row = text
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("README.md does not tell of {name}"));
        assert!(
            row.contains(&format!("| {value}")),
            "{row} should tell {value}"
        );
    }
}

/// The pinned crates have faults that only a change inside repairs; see `patches/README.md`. A build
/// that went without them is noticed here.
#[test]
fn every_patch_of_the_engine_is_in_force() {
    // The prototype's property is deleted after it was cached for an object below: unpatched, a panic
    // or the former value.
    let deleted = "function f(o){return o.b} var p={b:2},o=Object.create(p); f(o);f(o); delete p.b; \
        String(f(o))";
    assert_eq!(evaluate(deleted), "undefined");
    // The getter replaces itself by a value: unpatched, the second read is the getter's slot.
    let memoized = "function g(o){return o.s} const a={get s(){const v={n:1}; \
        Object.defineProperty(this,'s',{value:v}); return v}}; g(a); String(g(a).n)";
    assert_eq!(evaluate(memoized), "1");
    // Unpatched, this takes minutes.
    let split = "String('word '.repeat(300000).split(' ').length)";
    let begun = std::time::Instant::now();
    assert_eq!(evaluate(split), "300001");
    // The same of what is removed from a map, appended to a string, and tried at one place.
    let removed = "const m=new Map(); for(let i=0;i<2e5;i++)m.set(i,i); \
        for(let i=0;i<2e5;i++)m.delete(i); String(m.size)";
    assert_eq!(evaluate(removed), "0");
    let appended = "const piece='0123456789'.repeat(10); let s=''; \
        for(let i=0;i<1e5;i++)s+=piece; String(s.length)";
    assert_eq!(evaluate(appended), "10000000");
    let sticky = "const text=' '.repeat(1e5)+'\\u20ac', a=/x/y; let n=0; \
        for(let i=0;i<1e5;i++){a.lastIndex=i;if(!a.test(text))n++} String(n)";
    assert_eq!(evaluate(sticky), "100000");
    // And of what is removed from an object, and looked for in a text of one byte a character.
    let removed = "const o={}; for(let i=0;i<1e5;i++)o['k'+i]=i; \
        for(let i=0;i<1e5;i++)delete o['k'+i]; String(Object.keys(o).length)";
    assert_eq!(evaluate(removed), "0");
    let searched = "const text=' '.repeat(3e6), a=/ /g; let n=0; \
        for(let i=0;i<1e4;i++){a.lastIndex=i;if(a.test(text))n++} String(n)";
    assert_eq!(evaluate(searched), "10000");
    assert!(
        begun.elapsed().as_secs() < 40,
        "they took {:?}",
        begun.elapsed()
    );
}

fn evaluate(script: &str) -> String {
    let mut context = Context::default();
    let value = context.eval_text(script, None).expect("the script runs");
    let text = value.to_string(&mut context).expect("it is text");
    text.to_std_string_lossy()
}

// ---- Reading Rust and the manual ----------------------------------------------------------------

struct Line {
    path: String,
    number: usize,
    text: String,
}

impl Line {
    fn place(&self) -> String {
        format!("{}:{}: {}", self.path, self.number, self.text.trim())
    }
}

/// Lines of `src/` that are neither comments nor in a module of tests, which come last in a file.
fn lines_of_code() -> Vec<Line> {
    let mut lines = Vec::new();
    for file in files_of("src", "rs") {
        if file.path.ends_with("/tests.rs") {
            continue;
        }
        for (index, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with("#[cfg(test)]") {
                break;
            }
            if !line.trim_start().starts_with("//") {
                let text = line.to_string();
                lines.push(Line {
                    path: file.path.clone(),
                    number: index + 1,
                    text,
                });
            }
        }
    }
    assert!(lines.len() > 5000, "only {} lines were found", lines.len());
    lines
}

/// The texts of `Call::name()`.
fn names_of_calls() -> Vec<String> {
    let text = read("src/wire/call.rs");
    let body = between(&text, "pub fn name(&self) -> &'static str {", "\n    }\n");
    let arms = body.lines().filter(|line| line.contains("Call::"));
    arms.filter_map(|line| line.split('"').nth(1).map(str::to_string))
        .collect()
}

/// `Interface.member` for each member of each interface in the manual.
fn members_of_manual() -> Vec<String> {
    let text = without_comments(&read("bootstrap-vals/kernel.d.ts"));
    let mut members = Vec::new();
    for part in text.split("export interface ").skip(1) {
        let name = part
            .split([' ', '{'])
            .next()
            .expect("there is a first part");
        let open = part.find('{').expect("an interface has a body");
        let mut depth = 0;
        for line in part[open..].lines() {
            let trimmed = line.trim();
            let (opened, closed) = (trimmed.matches('{').count(), trimmed.matches('}').count());
            if depth == 1 && !trimmed.starts_with('}') {
                let member = trimmed.trim_start_matches("readonly ");
                let end = member
                    .find(|c: char| !c.is_alphanumeric())
                    .unwrap_or(member.len());
                let is_function = member[end..].trim_start_matches('?').starts_with('(');
                let kind = if is_function { "" } else { " (field)" };
                if end > 0 {
                    members.push(format!("{name}.{}{kind}", &member[..end]));
                }
            }
            depth += opened;
            depth -= closed.min(depth);
            if depth == 0 {
                break;
            }
        }
    }
    members
        .into_iter()
        .map(|name| match name.as_str() {
            // The one field that a program reads as the kernel tells it.
            "Storage.revision (field)" => "Storage.revision".to_string(),
            _ => name,
        })
        .collect()
}

fn is_function_or_reader(name: &str) -> bool {
    !name.ends_with(" (field)")
}

fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").expect("a comment has an end").1;
    }
    kept.push_str(rest);
    kept
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, rest) = text
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from:?}"));
    rest.split_once(to)
        .unwrap_or_else(|| panic!("no end of {from:?}"))
        .0
}

/// The words of a line in lower case, with the parts of names told apart: `userAgent`, `VAL_MAX`.
fn words(line: &str) -> impl Iterator<Item = String> {
    let mut found = vec![String::new()];
    let mut before = ' ';
    for character in line.chars() {
        let starts = character.is_uppercase() && before.is_lowercase();
        if starts || !character.is_alphabetic() {
            found.push(String::new());
        }
        if character.is_alphabetic() {
            let word = found.last_mut().expect("there is one from the start");
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    found.into_iter().filter(|word| !word.is_empty())
}

fn whole_words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// 60000 as `60,000`.
fn thousands(number: u64) -> String {
    if number < 1000 {
        return number.to_string();
    }
    format!("{},{:03}", thousands(number / 1000), number % 1000)
}

/// 1073741824 as `1 GiB`.
fn binary(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.iter().find(|(size, _)| bytes.is_multiple_of(*size));
    unit.map_or(bytes.to_string(), |(size, name)| {
        format!("{} {name}", bytes / size)
    })
}

// ---- Files --------------------------------------------------------------------------------------

struct File {
    /// From the repository's root, with slashes.
    path: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// All files below a folder with that extension; with an empty one, those without any. Sorted.
fn files_of(folder: &str, extension: &str) -> Vec<File> {
    let mut files = Vec::new();
    walk(&root().join(folder), extension, &mut files);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(
        !files.is_empty() || folder == "benches",
        "there are no .{extension} in {folder}"
    );
    files
}

fn walk(folder: &Path, extension: &str, files: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            // What npm puts there is not ours.
            if !path.ends_with("node_modules") {
                walk(&path, extension, files);
            }
        } else if path.extension().unwrap_or_default() == extension {
            let name = path.strip_prefix(root()).expect("it was found below");
            let name = name.to_str().expect("our own names are UTF-8").to_string();
            let text = fs::read_to_string(&path).expect("our own files are UTF-8");
            files.push(File { path: name, text });
        }
    }
}

/// What stands between backquotes on one line.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
}

fn is_path(name: &str) -> bool {
    let folders = [
        "src/",
        "bootstrap-vals/",
        "tests/",
        "scripts/",
        "docs/",
        "patches/",
        "templates/",
    ];
    let single = [
        "Cargo.toml",
        "build.rs",
        "README.md",
        "CHANGELOG.md",
        "rustfmt.toml",
    ];
    let plain = !name.contains([' ', '*', '{', '<']);
    plain && (folders.iter().any(|folder| name.starts_with(folder)) || single.contains(&name))
}

fn assert_none<T: std::fmt::Display>(what: &str, wrong: impl IntoIterator<Item = T>) {
    let list: Vec<String> = wrong.into_iter().map(|item| item.to_string()).collect();
    assert!(
        list.is_empty(),
        "{} {what}:\n{}",
        list.len(),
        list.join("\n")
    );
}
