//! `kubevet sbom`: what is installed in an image or a folder.

use super::{exit_status::ExitStatus, image_inventory::ImageSourceFlags, stderr, terminal};
use anyhow::Context as _;
use clap::{Args, builder::PossibleValuesParser};
use kubevet_model::{count, sha256_hex};
use kubevet_sbom::{DocumentStamp, SbomDocument, SbomFormat, write_sbom};
use std::{env, path::PathBuf};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

#[derive(Debug, Args)]
#[command(after_help = "Sources, as Syft spells them:
  REFERENCE, registry:REFERENCE      an image of a registry
  oci-dir:PATH, oci-archive:FILE     an OCI layout
  docker-archive:FILE                what docker save writes
  containerd:PATH@DIGEST             containerd's content store
  dir:PATH                           a folder
  PATH                               any of these, by its content

Every blob is compared with its digest; credentials are those of Docker's config.json.

Exit status: 0 the list is complete, 2 a file or layer could not be read (the list says which).

Examples:
  kubevet sbom nginx:1.29
  kubevet sbom oci-archive:app.tar -f cyclonedx -o app.cdx.json
  kubevet sbom dir:/srv -f spdx")]
pub(super) struct SbomCommand {
    /// The image or folder
    source: String,
    /// How to write the list
    #[arg(
        short,
        long,
        default_value = "table",
        value_parser = PossibleValuesParser::new(SbomFormat::ALL.iter().map(|format| format.name))
    )]
    format: String,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    image: ImageSourceFlags,
}

impl SbomCommand {
    pub(super) fn run(&self) -> anyhow::Result<ExitStatus> {
        let format = SbomFormat::named(&self.format).context("unknown format")?;
        let document = self.image.read(&self.source)?;
        let text = write_sbom(format, &document, &stamp(&document)?);
        terminal::write(self.output.as_deref(), |out| out.write_all(text.as_bytes()))?;
        let unread = document.inventory.unread.len();
        if unread > 0 {
            let files = count(unread, "file");
            stderr::print_line(&format!(
                "incomplete: {files} could not be read; the list says which"
            ));
            return Ok(ExitStatus::Failure);
        }
        Ok(ExitStatus::Success)
    }
}

/// The time of a document, or that of `SOURCE_DATE_EPOCH`
/// (<https://reproducible-builds.org/specs/source-date-epoch/>), and an identifier by time and content
/// (a UUID of version 8, RFC 9562).
fn stamp(document: &SbomDocument) -> anyhow::Result<DocumentStamp> {
    let epoch = env::var("SOURCE_DATE_EPOCH").ok();
    let time = match epoch {
        Some(seconds) => {
            let seconds = seconds
                .parse()
                .with_context(|| format!("SOURCE_DATE_EPOCH: {seconds} is no number"))?;
            OffsetDateTime::from_unix_timestamp(seconds).context("SOURCE_DATE_EPOCH")?
        }
        None => OffsetDateTime::now_utc(),
    };
    let created = time.replace_nanosecond(0)?.format(&Rfc3339)?;
    let hash = sha256_hex(&format!("{created}\n{document:?}"));
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    let uuid = format!(
        "{}-{}-8{}-a{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    );
    Ok(DocumentStamp { uuid, created })
}
