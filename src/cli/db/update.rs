//! `kubevet db update`: downloads Grype's database and makes the database from it.

use super::{
    OutputFormat,
    db_flags::{DbFlags, import_options},
    download::Downloader,
    import::print_import,
};
use crate::cli::{exit_status::ExitStatus, stderr, terminal};
use anyhow::{Context as _, bail};
use clap::Args;
use kubevet_vulnerability::{
    Database, DatabaseDirectory, DatabaseError, DatabaseSource, ImportLimits, LatestDocument,
    SourceKind, import_database,
};
use std::{
    fs,
    path::{Component, Path, PathBuf},
};

/// Where Grype's publisher has its databases.
const PUBLISHER: &str = "https://grype.anchore.io/databases";
/// The name of the document that says which archive is the newest.
const LATEST: &str = "latest.json";
/// Its greatest size, in bytes.
const MAX_LATEST_BYTES: u64 = 1 << 20;

#[derive(Debug, Args)]
#[command(
    after_help = "The newest archive is the one that latest.json names; its checksum is compared. Nothing is downloaded if the
database already has it. Proxies are taken from HTTPS_PROXY and NO_PROXY. Only this command uses the network.

Examples:
  kubevet db update
  kubevet db update --url https://mirror.example/grype          a mirror with v6/latest.json
  kubevet db update known_exploited_vulnerabilities.json       with KEV from a file

Exit status:
  0  the database is the newest
  2  it could not be downloaded or imported, and the old database stays"
)]
pub(super) struct UpdateCommand {
    /// Files and folders that are imported with it: a database has all sources of one import
    #[arg(value_name = "FILE|DIR")]
    sources: Vec<PathBuf>,
    #[command(flatten)]
    db: DbFlags,
    /// The place with v6/latest.json, or the URL of a latest.json
    #[arg(long, value_name = "URL", default_value = PUBLISHER, env = "KUBEVET_DB_URL")]
    url: String,
    /// A file with certificate authorities (PEM), beside those of the system
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Drop the sources of the old database that are not given
    #[arg(long)]
    drop_other_sources: bool,
    /// Print every problem
    #[arg(short, long)]
    verbose: bool,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    format: OutputFormat,
}

impl UpdateCommand {
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let directory = self.db.directory()?;
        let old = match directory.open() {
            Ok(database) => Some(database),
            Err(DatabaseError::Missing { .. }) => None,
            // A damaged one is replaced.
            Err(error) => {
                stderr::print_line(&format!("warning: {error}"));
                None
            }
        };
        if let Some(old) = &old {
            self.check_other_sources(old)?;
        }
        let latest_url = latest_url(&self.url);
        let downloader = Downloader::new(&latest_url, self.ca_file.as_deref())?;
        let document = downloader.document(&latest_url, MAX_LATEST_BYTES)?;
        let latest = LatestDocument::parse(&document)
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("{latest_url} is no list of Grype's databases"))?;
        warn_of_status(&latest);
        let has_it = old
            .as_ref()
            .and_then(grype_source)
            .is_some_and(|source| source.digest.eq_ignore_ascii_case(&latest.checksum));
        let has_others = old
            .as_ref()
            .is_some_and(|old| old.metadata().sources.len() > 1);
        if has_it && !has_others && self.sources.is_empty() {
            terminal::write_escaped(|out| {
                writeln!(out, "the database is the newest: built {}", latest.built)
            })?;
            return Ok(ExitStatus::Success);
        }
        drop(old);
        self.download(&directory, &downloader, &latest_url, &latest, &document)?;
        print_import(&directory, self.format, self.verbose)?;
        Ok(ExitStatus::Success)
    }

    /// Downloads the archive and imports it with the other sources.
    fn download(
        &self,
        directory: &DatabaseDirectory,
        downloader: &Downloader,
        latest_url: &str,
        latest: &LatestDocument,
        document: &[u8],
    ) -> anyhow::Result<()> {
        let (archive_url, name) = archive_of(latest_url, &latest.path)?;
        let options = import_options(None);
        let scratch = directory.scratch()?;
        let archive = scratch.path().join(&name);
        let ImportLimits { archive_bytes, .. } = options.limits;
        downloader.file(&archive_url, archive_bytes, &archive)?;
        // The import compares the archive with the document beside it.
        fs::write(scratch.path().join(LATEST), document)
            .with_context(|| format!("cannot write to {}", scratch.path().display()))?;
        let mut sources = vec![archive];
        sources.extend(self.sources.iter().cloned());
        import_database(directory, &sources, &options)?;
        Ok(())
    }

    /// Refuses to lose sources that nobody named.
    fn check_other_sources(&self, old: &Database) -> anyhow::Result<()> {
        let others = old.metadata().sources.iter();
        let others = others.filter(|source| source.kind != SourceKind::GrypeV6);
        let names: Vec<&str> = others.map(|source| source.name.as_str()).collect();
        if names.is_empty() || !self.sources.is_empty() || self.drop_other_sources {
            return Ok(());
        }
        bail!(
            "the database also has {}: give these sources again, or --drop-other-sources",
            names.join(", ")
        )
    }
}

fn grype_source(database: &Database) -> Option<&DatabaseSource> {
    let mut sources = database.metadata().sources.iter();
    sources.find(|source| source.kind == SourceKind::GrypeV6)
}

fn warn_of_status(latest: &LatestDocument) {
    let warning = match latest.status.as_str() {
        "deprecated" => "the publisher will stop to update this version of its database soon",
        "eol" => "the publisher no longer updates this version of its database",
        _ => return,
    };
    stderr::print_line(&format!(
        "warning: {warning}: see whether there is a newer kubevet"
    ));
}

/// The URL of the document at a place.
fn latest_url(url: &str) -> String {
    let is_document = Path::new(url)
        .extension()
        .is_some_and(|extension| extension == "json");
    if is_document {
        url.to_owned()
    } else {
        format!("{}/v6/{LATEST}", url.trim_end_matches('/'))
    }
}

/// The URL of an archive beside a document, and its name. The document may name no other place.
fn archive_of(latest_url: &str, path: &str) -> anyhow::Result<(String, String)> {
    let is_below = !path.is_empty()
        && !path.contains(['?', '#', '\\', '%'])
        && !path.contains("//")
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    let name = Path::new(path).file_name().and_then(|name| name.to_str());
    let base = latest_url.rsplit_once('/').map(|(base, _)| base);
    match (name, base) {
        (Some(name), Some(base)) if is_below => Ok((format!("{base}/{path}"), name.to_owned())),
        _ => bail!("{latest_url} names the archive `{path}`, which is not beside it"),
    }
}

#[cfg(test)]
mod tests {
    use super::{archive_of, latest_url};

    #[test]
    fn place_of_databases_has_a_document_for_version_6() {
        let check = |url, expected: &str| assert_eq!(latest_url(url), expected);
        check("https://a/databases", "https://a/databases/v6/latest.json");
        check("https://a/databases/", "https://a/databases/v6/latest.json");
        check("https://a/x/latest.json", "https://a/x/latest.json");
    }

    #[test]
    fn archive_is_beside_the_document_or_refused() {
        let check = |path, expected: Option<&str>| {
            let found = archive_of("https://a/v6/latest.json", path).ok();
            assert_eq!(
                found.as_ref().map(|(url, _)| url.as_str()),
                expected,
                "{path}"
            );
        };
        check("db.tar.zst", Some("https://a/v6/db.tar.zst"));
        check(
            "db_2026-01-01T10:00:00Z_1.tar.zst",
            Some("https://a/v6/db_2026-01-01T10:00:00Z_1.tar.zst"),
        );
        check("deep/db.tar.zst", Some("https://a/v6/deep/db.tar.zst"));
        check("../db.tar.zst", None);
        check("/db.tar.zst", None);
        check("https://b/db.tar.zst", None);
        check("db.tar.zst?x=y", None);
        check("%2e%2e/db", None);
        check("", None);
    }
}
