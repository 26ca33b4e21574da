//! The flag `--db`, and the options of imports.

use anyhow::Context as _;
use clap::Args;
use kubevet_vulnerability::{DatabaseDirectory, ImportLimits, ImportOptions};
use std::{
    env,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

#[derive(Debug, Args)]
pub(super) struct DbFlags {
    /// The folder of the vulnerability database [default: kubevet/db in the cache folder of the user]
    #[arg(long, value_name = "DIR", env = "KUBEVET_DB")]
    db: Option<PathBuf>,
}

impl DbFlags {
    /// The folder.
    ///
    /// # Errors
    /// None is given, and the user has no cache folder.
    pub(super) fn directory(&self) -> anyhow::Result<DatabaseDirectory> {
        let path = match &self.db {
            Some(path) => path.clone(),
            None => default_directory(|name| env::var_os(name).map(PathBuf::from)).context(
                "there is no folder for the database: neither XDG_CACHE_HOME nor HOME is set; name one with --db",
            )?,
        };
        Ok(DatabaseDirectory::new(path))
    }
}

fn default_directory(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let set = |name| variable(name).filter(|path: &PathBuf| path.is_absolute());
    let cache = match set("XDG_CACHE_HOME") {
        Some(cache) => cache,
        None => Path::new(&set("HOME")?).join(".cache"),
    };
    Some(cache.join("kubevet/db"))
}

/// The time now, in seconds since 1970.
pub(super) fn now_seconds() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

/// The options of an import now.
pub(super) fn import_options(taken_seconds: Option<i64>) -> ImportOptions {
    ImportOptions {
        limits: ImportLimits::default(),
        now_seconds: now_seconds(),
        importer: env!("CARGO_PKG_VERSION").to_owned(),
        taken_seconds,
    }
}

/// A number of seconds as an age for people, such as `3 days`.
pub(super) fn age_text(seconds: i64) -> String {
    let seconds = u64::try_from(seconds).unwrap_or_default();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let unit = units.into_iter().find(|(length, _)| seconds >= *length);
    let (count, name) = unit.map_or((seconds, "second"), |(length, name)| {
        (seconds / length, name)
    });
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

/// A time as RFC 3339.
pub(super) fn time_text(seconds: i64) -> String {
    let time = u64::try_from(seconds)
        .ok()
        .and_then(|seconds| UNIX_EPOCH.checked_add(std::time::Duration::from_secs(seconds)));
    time.map_or_else(
        || "unknown".to_owned(),
        |time| humantime::format_rfc3339_seconds(time).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::{age_text, default_directory};
    use std::path::{Path, PathBuf};

    #[test]
    fn default_folder_is_in_the_cache_of_the_user() {
        let check = |variables: &[(&str, &str)], expected: Option<&str>| {
            let found = default_directory(|name| {
                let value = variables.iter().find(|(variable, _)| *variable == name);
                value.map(|(_, value)| PathBuf::from(value))
            });
            assert_eq!(found.as_deref(), expected.map(Path::new), "{variables:?}");
        };
        check(&[("HOME", "/home/a")], Some("/home/a/.cache/kubevet/db"));
        check(
            &[("HOME", "/a"), ("XDG_CACHE_HOME", "/c")],
            Some("/c/kubevet/db"),
        );
        check(
            &[("HOME", "/a"), ("XDG_CACHE_HOME", "")],
            Some("/a/.cache/kubevet/db"),
        );
        check(&[("HOME", "relative")], None);
        check(&[], None);
    }

    #[test]
    fn age_is_written_in_its_largest_unit() {
        let check = |seconds, expected: &str| assert_eq!(age_text(seconds), expected);
        check(0, "0 seconds");
        check(61, "1 minute");
        check(7_200, "2 hours");
        check(86_400 * 3 + 5, "3 days");
        check(-5, "0 seconds");
    }
}
