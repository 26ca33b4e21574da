//! `kubevet db status`: what the database was made from, how old it is, and whether it is whole.

use super::{
    OutputFormat,
    db_flags::{DbFlags, now_seconds, time_text},
    summary::{built_text, database_json, records_text, write_problems, write_sources},
};
use crate::cli::{exit_status::ExitStatus, stderr, terminal};
use clap::Args;
use kubevet_vulnerability::{Database, DatabaseDirectory};
use std::time::Duration;

/// How far a clock may be behind that of a publisher, in seconds.
const CLOCK_TOLERANCE_SECONDS: i64 = 86_400;

#[derive(Debug, Args)]
#[command(after_help = "The age of a database is that of its oldest source.

Examples:
  kubevet db status
  kubevet db status --max-age 5d -f json      for a scheduled job

Exit status:
  0  the database is whole, and not older than --max-age
  2  there is none, it is damaged, older than --max-age, or its age is unknown and --max-age is given")]
pub(super) struct StatusCommand {
    #[command(flatten)]
    db: DbFlags,
    /// The age from which the database is stale, such as 5d
    #[arg(long, value_name = "AGE", value_parser = humantime::parse_duration)]
    max_age: Option<Duration>,
    /// Print every problem of the import
    #[arg(short, long)]
    verbose: bool,
    /// The form of the output
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    format: OutputFormat,
}

impl StatusCommand {
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let directory = self.db.directory()?;
        let database = directory.open()?;
        database.verify()?;
        let now = now_seconds();
        match self.format {
            OutputFormat::Json => terminal::write(None, |out| {
                writeln!(out, "{:#}", database_json(&database, now))
            })?,
            OutputFormat::Pretty => self.print(&directory, &database, now)?,
        }
        let built = database.metadata().built_seconds();
        match staleness(built, now, self.max_age) {
            None => Ok(ExitStatus::Success),
            Some(reason) => {
                stderr::print_line(&format!(
                    "error: {reason}: run `kubevet db update`, or import a newer one"
                ));
                Ok(ExitStatus::Failure)
            }
        }
    }

    fn print(
        &self,
        directory: &DatabaseDirectory,
        database: &Database,
        now: i64,
    ) -> anyhow::Result<()> {
        terminal::write_escaped(|out| {
            let metadata = database.metadata();
            writeln!(out, "database: {}", directory.file().display())?;
            writeln!(out, "  built {}", built_text(metadata, now))?;
            let imported = time_text(metadata.imported_seconds);
            writeln!(
                out,
                "  imported {imported} by kubevet {}",
                metadata.importer
            )?;
            writeln!(
                out,
                "  {} bytes, {}, whole",
                database.file_bytes(),
                database.digest()
            )?;
            writeln!(out, "  {}", records_text(&metadata.counts))?;
            write_sources(metadata, out)?;
            for provider in database.providers() {
                writeln!(out, "provider {}: taken {}", provider.id, provider.captured)?;
            }
            write_problems(metadata, self.verbose, out)
        })
    }
}

/// Why a database is too old; `None` if it is not, or if any age is good.
fn staleness(built: Option<i64>, now: i64, max_age: Option<Duration>) -> Option<String> {
    let max_age = max_age?;
    let Some(built) = built else {
        return Some("the age of the vulnerability database is unknown".to_owned());
    };
    if built > now.saturating_add(CLOCK_TOLERANCE_SECONDS) {
        return Some("the vulnerability database was built in the future: the clock of this machine is wrong, or the database is".to_owned());
    }
    let age = u64::try_from(now.saturating_sub(built)).unwrap_or_default();
    let max = humantime::format_duration(max_age);
    (age > max_age.as_secs()).then(|| {
        format!(
            "the vulnerability database is {} old, and --max-age is {max}",
            super::db_flags::age_text(now.saturating_sub(built))
        )
    })
}

#[cfg(test)]
mod tests {
    use super::staleness;
    use std::time::Duration;

    #[test]
    fn database_is_stale_if_it_is_older_than_the_limit_or_of_unknown_age() {
        let day = 86_400;
        let check = |built, max_days: Option<u64>, expected: bool| {
            let max_age = max_days.map(|days| Duration::from_secs(days * 86_400));
            let stale = staleness(built, 100 * day, max_age);
            assert_eq!(
                stale.is_some(),
                expected,
                "{built:?} {max_days:?} {stale:?}"
            );
        };
        check(Some(99 * day), Some(5), false);
        check(Some(95 * day), Some(5), false);
        check(Some(95 * day - 1), Some(5), true);
        check(None, Some(5), true);
        check(None, None, false);
        check(Some(0), None, false);
        check(Some(100 * day + 3_600), Some(5), false);
        check(Some(102 * day), Some(5), true);
    }
}
