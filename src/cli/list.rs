//! `kubevet list`: what the library holds.

use super::{library_flags::LibraryFlags, terminal};
use anyhow::bail;
use clap::{Args, Subcommand, builder::PossibleValuesParser, builder::TypedValueParser as _};
use kubevet_model::Control;
use kubevet_policy::{Library, ParamValue};
use kubevet_report::{self as report, ListFormat, Param, View};
use std::sync::Arc;

#[derive(Debug, Args)]
pub(super) struct ListCommand {
    #[command(subcommand)]
    what: What,
    /// The list's format
    #[arg(short, long, global = true, default_value = "pretty", value_name = "FORMAT",
        value_parser = PossibleValuesParser::new(ListFormat::ALL.map(ListFormat::name)).map(|it| format(&it)))]
    format: ListFormat,
    #[command(flatten)]
    library: LibraryFlags,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Every control, a line each
    Controls,
    /// Every framework, and how many controls it holds
    Frameworks,
    /// One control in full: why it matters, what to do, what it can be told
    Control {
        /// The id, such as C-0057
        id: String,
    },
}

fn format(name: &str) -> ListFormat {
    ListFormat::ALL
        .into_iter()
        .find(|it| it.name() == name)
        .unwrap_or_default()
}

impl ListCommand {
    /// Lists; 2 where something is wrong with the library.
    ///
    /// # Errors
    /// An unknown control, or an output that cannot be written.
    pub(super) fn run(&self) -> anyhow::Result<u8> {
        let (library, problems) = self.library.load();
        let style = terminal::style(View::Resource, false);
        match &self.what {
            What::Controls => {
                let controls: Vec<Arc<Control>> = library
                    .controls
                    .iter()
                    .map(|it| it.control.clone())
                    .collect();
                let frameworks = &library.frameworks;
                terminal::write(None, |out| {
                    report::write_controls(&controls, frameworks, self.format, &style, out)
                })?;
            }
            What::Frameworks => {
                let frameworks = &library.frameworks;
                terminal::write(None, |out| {
                    report::write_frameworks(frameworks, self.format, &style, out)
                })?;
            }
            What::Control { id } => {
                let Some(source) = library.control(id) else {
                    bail!("no control is called `{id}`{}", library.suggest_control(id));
                };
                let control = &source.control;
                let params = params(&library, control);
                let frameworks = &library.frameworks;
                terminal::write(None, |out| {
                    report::write_control(control, frameworks, &params, self.format, &style, out)
                })?;
            }
        }
        Ok(super::complain(&problems))
    }
}

fn params(library: &Library, control: &Control) -> Vec<Param> {
    let known = control
        .params
        .iter()
        .filter_map(|it| library.params.get(it));
    known
        .map(|spec| {
            let default = match &spec.default {
                ParamValue::List(values) => values.clone(),
                ParamValue::String(text) => vec![text.clone()],
            };
            Param {
                name: spec.name.clone(),
                description: spec.description.clone(),
                default,
            }
        })
        .collect()
}
