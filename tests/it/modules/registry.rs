//! A registry of packages on this machine: of what a test writes, and of what is installed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha512};

use super::elsewhere::Elsewhere;
use super::npm_folder::installed;

/// Bytes of a block of a tar archive.
const BLOCK_BYTES: usize = 512;

/// Packages to be served by an [`Elsewhere`], below `/npm`.
#[derive(Default)]
pub struct Registry {
    versions: BTreeMap<String, Map<String, Value>>,
}

impl Registry {
    /// A version of a package, of files: `package.json` is made of `manifest`.
    pub fn add(&mut self, elsewhere: &Elsewhere, manifest: &Value, files: &[(&str, &str)]) {
        let manifest_text = manifest.to_string();
        let mut all = vec![("package.json".to_string(), manifest_text.into_bytes())];
        let given = files
            .iter()
            .map(|(path, text)| ((*path).to_string(), text.as_bytes().to_vec()));
        all.extend(given);
        self.publish(elsewhere, manifest, &all);
    }

    /// A package as it is in `tests/npm/node_modules`.
    pub fn add_installed(&mut self, elsewhere: &Elsewhere, name: &str) {
        let root = installed(name);
        let mut files = Vec::new();
        collect(&root, &root, &mut files);
        let text = std::fs::read_to_string(root.join("package.json")).expect("a package");
        let manifest: Value = serde_json::from_str(&text).expect("JSON");
        self.publish(elsewhere, &manifest, &files);
    }

    fn publish(&mut self, elsewhere: &Elsewhere, manifest: &Value, files: &[(String, Vec<u8>)]) {
        let text = |key: &str| manifest[key].as_str().expect("a text").to_string();
        let (name, version) = (text("name"), text("version"));
        let archive = archive(files);
        let integrity = base64_simd::STANDARD.encode_to_string(Sha512::digest(&archive));
        let path = format!("/npm/{name}/-/{version}.tgz");
        let dist = json!({ "tarball": format!("{}{path}", elsewhere.base), "integrity": format!("sha512-{integrity}") });
        elsewhere.answer(&path, 200, String::new(), archive);
        let versions = self.versions.entry(name.clone()).or_default();
        versions.insert(version.clone(), json!({ "dist": dist }));
        let packument =
            json!({ "name": name, "dist-tags": { "latest": version }, "versions": versions });
        let headers = "content-type: application/json\r\n".to_string();
        let at = format!("/npm/{}", name.replace('/', "%2f"));
        elsewhere.answer(&at, 200, headers, packument.to_string().into_bytes());
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "node_modules") {
                collect(root, &path, files);
            }
        } else {
            let local = path.strip_prefix(root).expect("below the root");
            let bytes = std::fs::read(&path).expect("a file");
            files.push((local.to_string_lossy().into_owned(), bytes));
        }
    }
}

/// A gzipped tar archive, as npm packs it; a long path is a record before its file.
fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut add = |path: &str, kind: u8, bytes: &[u8]| {
        let mut header = [0; BLOCK_BYTES];
        let short = &path.as_bytes()[..path.len().min(100)];
        header[..short.len()].copy_from_slice(short);
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[156] = kind;
        header[257..262].copy_from_slice(b"ustar");
        encoder.write_all(&header).expect("memory");
        encoder.write_all(bytes).expect("memory");
        let padding = bytes.len().next_multiple_of(BLOCK_BYTES) - bytes.len();
        encoder.write_all(&vec![0; padding]).expect("memory");
    };
    for (path, bytes) in files {
        let whole = format!("package/{path}");
        if whole.len() > 100 {
            let body = format!(" path={whole}\n");
            let mut length = body.len() + 1;
            while length != body.len() + length.to_string().len() {
                length += 1;
            }
            add("PaxHeader", b'x', format!("{length}{body}").as_bytes());
        }
        add(&whole, b'0', bytes);
    }
    add("package/link", b'2', b"");
    encoder.write_all(&[0; 2 * BLOCK_BYTES]).expect("memory");
    encoder.finish().expect("memory")
}
