//! Embeds the control library: writes a table of every policy file (test data left out) and its text.

#![allow(clippy::disallowed_methods, reason = "it reads the embedded library")]

use std::{env, fmt::Write as _, fs, io, path::Path};

fn main() -> io::Result<()> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default())
        .join("../../policies")
        .canonicalize()?;
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&root).map_err(io::Error::other)?;
        let _ = writeln!(
            table,
            "    ({:?}, include_str!({:?})),",
            name.display().to_string(),
            file.display().to_string()
        );
    }
    table.push(']');
    fs::write(
        Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("policies.rs"),
        table,
    )
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "testdata") {
                collect(&path, files)?;
            }
        } else if path
            .extension()
            .is_some_and(|it| it == "rego" || it == "yaml")
        {
            files.push(path);
        }
    }
    Ok(())
}
