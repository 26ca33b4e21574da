//! `kubevet db import`: makes the database from files.

use super::{
    OutputFormat,
    db_flags::{DbFlags, import_options, now_seconds},
    summary::{built_text, database_json, records_text, write_problems, write_sources},
};
use crate::cli::{exit_status::ExitStatus, terminal};
use clap::Args;
use kubevet_vulnerability::{DatabaseDirectory, import_database, seconds_of};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    after_help = "Sources, recognised by their content (gzip, zstd and xz are inflated):
  Grype's database, version 6   vulnerability.db, or its archive as distributed (tar.zst, tar.xz, tar.gz).
                                A latest.json or import.json beside it has its checksum, which is compared
  OSV                           all.zip of an ecosystem, or JSON files
  Alpine, Wolfi, Chainguard     secdb JSON, such as v3.20/main.json or security.json
  KEV, EPSS                     known_exploited_vulnerabilities.json, epss_scores-current.csv.gz

All sources that the database should have are given together: the new database replaces the old one as a
whole, and programs that read the old one go on with it. If anything fails, the old one stays.

Examples:
  kubevet db import vulnerability-db_v6.1.10.tar.zst
  kubevet db import --db /var/lib/kubevet/db grype/ PyPI/all.zip known_exploited_vulnerabilities.json
  kubevet db import --taken 2026-11-30 v3.20/main.json     a secdb does not say when it was made

Exit status:
  0  the database is made
  2  a source cannot be imported, and the old database stays"
)]
pub(super) struct ImportCommand {
    /// Files and folders
    #[arg(required = true, value_name = "FILE|DIR")]
    sources: Vec<PathBuf>,
    #[command(flatten)]
    db: DbFlags,
    /// When the sources were taken that do not say so: a day, or a time as RFC 3339
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    taken: Option<i64>,
    /// Print every problem
    #[arg(short, long)]
    verbose: bool,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    format: OutputFormat,
}

fn parse_time(text: &str) -> Result<i64, String> {
    seconds_of(text)
        .ok_or_else(|| "it is no time: write 2026-11-30 or 2026-11-30T08:00:00Z".to_owned())
}

impl ImportCommand {
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let directory = self.db.directory()?;
        import_database(&directory, &self.sources, &import_options(self.taken))?;
        print_import(&directory, self.format, self.verbose)?;
        Ok(ExitStatus::Success)
    }
}

/// Prints what was imported into the database in force.
pub(super) fn print_import(
    directory: &DatabaseDirectory,
    format: OutputFormat,
    is_verbose: bool,
) -> anyhow::Result<()> {
    let database = directory.open()?;
    let now = now_seconds();
    match format {
        OutputFormat::Json => terminal::write(None, |out| {
            writeln!(out, "{:#}", database_json(&database, now))
        }),
        OutputFormat::Pretty => terminal::write_escaped(|out| {
            let metadata = database.metadata();
            write_sources(metadata, out)?;
            write_problems(metadata, is_verbose, out)?;
            writeln!(out, "database: {}", directory.file().display())?;
            writeln!(out, "  {}", records_text(&metadata.counts))?;
            writeln!(
                out,
                "  {} bytes, {}",
                database.file_bytes(),
                database.digest()
            )?;
            writeln!(out, "  built {}", built_text(metadata, now))
        }),
    }
}
