//! The flags that say where the operator keeps results and their history.

use crate::cli::bounded_read::read_file;
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_store::{ClusterIdentity, Retention, StoreLocation, StoreOptions};
use std::{
    env, fmt,
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The value of `--store` that turns it off.
const NONE: &str = "none";
/// The largest file with a value.
const MAX_URL_BYTES: u64 = 64 << 10;

#[derive(Debug, Args)]
pub(super) struct StoreFlags {
    /// Where findings and their history are kept: a SQLite file, a database such as
    /// postgres://USER:PASSWORD@HOST/DATABASE, or none. The environment variable keeps a password out
    /// of the list of processes [default: kubevet/store-CLUSTER.db in the state directory of the user
    /// or the service]
    #[arg(
        long,
        value_name = "PATH|URL",
        env = "KUBEVET_STORE",
        hide_env_values = true,
        help_heading = "Results"
    )]
    store: Option<StoreArgument>,
    /// A file with the value of --store, such as a mounted Secret with the URL of a database; it is read
    /// at the start
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "store",
        help_heading = "Results"
    )]
    store_url_file: Option<PathBuf>,
    /// The most bytes of the store, such as 512Mi [default: 1Gi for a file, 16Gi for a database]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Results")]
    store_max_size: Option<u64>,
    /// The days for which a fixed finding is kept
    #[arg(
        long,
        value_name = "DAYS",
        default_value_t = Retention::default().fixed_days,
        help_heading = "Results"
    )]
    store_retention: u32,
}

/// The value of `--store`, whose password is never printed.
#[derive(Clone)]
struct StoreArgument(String);

impl fmt::Debug for StoreArgument {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StoreArgument")
    }
}

impl FromStr for StoreArgument {
    type Err = std::convert::Infallible;

    /// Accepts every text: an error here would be printed with the value.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// Where a store is.
#[derive(Debug, Clone)]
pub(super) enum StorePlace {
    /// There is none.
    None,
    /// A file in the state directory, with a name of the cluster's own.
    StateDirectory,
    /// A file or a database that was named.
    Named(StoreLocation),
}

impl StoreFlags {
    /// Returns where the store is.
    ///
    /// # Errors
    /// The value is neither a path nor a usable URL, or its file cannot be read.
    pub(super) fn place(&self) -> anyhow::Result<StorePlace> {
        let from_file = self.store_url_file.as_deref().map(read_url).transpose()?;
        let given = self.store.as_ref().map(|argument| argument.0.as_str());
        match from_file.as_deref().or(given) {
            None | Some("") => Ok(StorePlace::StateDirectory),
            Some(NONE) => Ok(StorePlace::None),
            Some(text) => Ok(StorePlace::Named(text.parse()?)),
        }
    }

    /// Returns what a store at this place is opened with. A folder of its own is made for the default.
    ///
    /// # Errors
    /// There is no state directory, or it cannot be made.
    pub(super) fn options(
        &self,
        place: StorePlace,
        cluster: ClusterIdentity,
    ) -> anyhow::Result<Option<StoreOptions>> {
        let location = match place {
            StorePlace::None => return Ok(None),
            StorePlace::Named(location) => location,
            StorePlace::StateDirectory => {
                let variable = |name: &str| env::var(name).ok();
                let Some(dir) = state_directory(variable) else {
                    bail!(
                        "--store is not given, and there is no state directory for a default \
                         (STATE_DIRECTORY, XDG_STATE_HOME, HOME): name a file, a database or `none`"
                    );
                };
                let made = DirBuilder::new().recursive(true).mode(0o700).create(&dir);
                made.with_context(|| {
                    format!(
                        "cannot make the folder {} of the store: --store names another place, or `none`",
                        dir.display()
                    )
                })?;
                StoreLocation::File(dir.join(format!("store-{}.db", cluster.id)))
            }
        };
        let mut options = StoreOptions::new(location, cluster);
        if let Some(bytes) = self.store_max_size {
            options.max_bytes = bytes;
        }
        Ok(Some(options))
    }

    /// Returns how long history is kept.
    pub(super) fn retention(&self) -> Retention {
        Retention {
            fixed_days: self.store_retention,
            ..Retention::default()
        }
    }
}

/// Returns the text of a file with the value of --store, which is never printed.
fn read_url(file: &Path) -> anyhow::Result<String> {
    let text = String::from_utf8(read_file(file, MAX_URL_BYTES)?);
    let Ok(text) = text else {
        bail!("--store-url-file: {} is no text", file.display());
    };
    let url = text.trim();
    if url.is_empty() {
        bail!("--store-url-file: {} is empty", file.display());
    }
    Ok(url.to_owned())
}

/// Returns the folder for state by the environment: that of a service, or that of a user.
fn state_directory(variable: impl Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(service) = set("STATE_DIRECTORY") {
        // systemd separates several ones by colons.
        return service.split(':').next().map(PathBuf::from);
    }
    let state = match set("XDG_STATE_HOME") {
        Some(dir) => PathBuf::from(dir),
        None => Path::new(&set("HOME")?).join(".local/state"),
    };
    Some(state.join("kubevet"))
}

/// Parses `512Mi`, `2Gi` or a number of bytes.
fn parse_size(argument: &str) -> Result<u64, String> {
    let units = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40)];
    let mut with_unit = units.iter();
    let with_unit =
        with_unit.find_map(|(unit, shift)| Some((argument.strip_suffix(unit)?, *shift)));
    let (number, shift) = with_unit.unwrap_or((argument, 0));
    let bytes = number.parse::<u64>().ok();
    let bytes = bytes.and_then(|number| number.checked_mul(1 << shift));
    match bytes.filter(|bytes| *bytes >= 1 << 20) {
        Some(bytes) => Ok(bytes),
        None => Err(format!(
            "`{argument}` is not a size of at least 1Mi: write it like 512Mi or 2Gi"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_is_a_number_with_a_unit() {
        for (argument, expected) in [
            ("512Mi", Some(512 << 20)),
            ("2Gi", Some(2 << 30)),
            ("1048576", Some(1 << 20)),
            ("1023Ki", None),
            ("0Gi", None),
            ("2GB", None),
            ("-1Gi", None),
            ("99999999999Ti", None),
            ("", None),
        ] {
            assert_eq!(parse_size(argument).ok(), expected, "{argument}");
        }
    }

    #[test]
    fn state_directory_is_that_of_the_service_then_of_the_user() {
        let all = [
            ("STATE_DIRECTORY", "/var/lib/kubevet:/var/lib/other"),
            ("XDG_STATE_HOME", "/state"),
            ("HOME", "/home/a"),
        ];
        for (skipped, expected) in [
            (0, Some("/var/lib/kubevet")),
            (1, Some("/state/kubevet")),
            (2, Some("/home/a/.local/state/kubevet")),
            (3, None),
        ] {
            let given = all.get(skipped..).unwrap_or_default();
            let found = state_directory(|name| {
                let variable = given.iter().find(|(given, _)| *given == name);
                variable.map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(found, expected.map(PathBuf::from));
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the test writes a file")]
    fn value_of_a_file_is_its_text() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("url");
        for (text, expected) in [
            ("postgres://h/d\n", Some("postgres://h/d")),
            ("none", Some("none")),
            ("\n", None),
        ] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read_url(&file).ok().as_deref(), expected);
        }
        assert!(read_url(&dir.path().join("missing")).is_err());
    }

    #[test]
    fn password_is_not_printed() {
        let argument: StoreArgument = "postgres://a:secret@h/d".parse().unwrap();
        assert!(!format!("{argument:?}").contains("secret"));
    }
}
