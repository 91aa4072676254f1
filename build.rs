//! Lists the files of `bootstrap-vals/` for `src/image.rs`, and tells compilers apart for
//! `src/eval/compile_cache.rs`.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

// What tools need and no town does.
const LEFT_OUT: [&str; 1] = ["tsconfig.json"];

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let image = root.join("bootstrap-vals");
    println!("cargo::rerun-if-changed=bootstrap-vals");
    let mut paths = Vec::new();
    walk(&image, &mut paths)?;
    paths.sort();
    let mut code =
        String::from("/// Path and bytes of every file.\nstatic FILES: &[(&str, &[u8])] = &[\n");
    for path in paths {
        let name = path.strip_prefix(&image).expect("it was found below");
        let name = name.to_str().expect("our own names are UTF-8").to_owned();
        let _ = writeln!(code, "    ({name:?}, include_bytes!({path:?})),");
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("image.rs"), code)?;
    println!("cargo::rustc-env=TOWN_COMPILER={:016x}", compiler(&root)?);
    Ok(())
}

// Another one when the compiler's sources or the crates that it is made of are others.
fn compiler(root: &Path) -> io::Result<u64> {
    let lock = root.join("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    let mut paths = vec![lock];
    walk(&root.join("src/eval/compile"), &mut paths)?;
    paths.sort();
    let mut hasher = DefaultHasher::new();
    for path in paths {
        fs::read(path)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') || LEFT_OUT.contains(&name.as_ref()) {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            walk(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}
