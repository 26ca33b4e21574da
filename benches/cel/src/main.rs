//! Two CEL interpreters in Rust on the policies that kubevet emits: `cel`, and `kube-cel`, which
//! extends `cel` with the functions of Kubernetes. `cel-peer cel|kube-cel SETUP.json` prints a
//! first line about the expressions that it could parse. It then answers each line `COUNT PATH`
//! with the times of that many evaluations of the file, parsing included.
//!
//! Each policy variable is a CEL variable of its own, evaluated once, in order. The API server
//! evaluates them lazily, which neither library offers. If a variable fails, the controls that use
//! it end in an error.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{Write as _, stdin, stdout},
    time::Instant,
};

/// The expressions that could be parsed, `P` being the parsed form.
struct ParsedPolicy<P> {
    variables: Vec<(String, P)>,
    controls: Vec<P>,
    /// A remark on the expressions that could not be parsed.
    about: String,
}

/// The result of one evaluation.
#[derive(Default)]
struct Outcome {
    failing: usize,
    /// Controls that ended in an error, and one of the errors.
    errors: usize,
    error: String,
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let outcome = match arguments.get(1..) {
        Some([interpreter, file]) => fs::read_to_string(file)
            .map_err(|error| error.to_string())
            .and_then(|json| {
                let setup: Value =
                    serde_json::from_str(&json).map_err(|error| error.to_string())?;
                if interpreter == "cel" {
                    serve_cel(&setup)
                } else {
                    serve_kube_cel(&setup)
                }
            }),
        _ => Err("usage: cel-peer cel|kube-cel SETUP.json".to_owned()),
    };
    if let Err(error) = outcome {
        println!("{}", json!({"error": error}));
    }
}

/// Evaluates with `cel` and its standard extensions.
fn serve_cel(setup: &Value) -> Result<(), String> {
    use cel::{Context, Env, extensions, to_value};
    let mut env = Env::stdlib();
    for extension in [
        extensions::strings,
        extensions::lists,
        extensions::math,
        extensions::encoders,
    ] {
        env.add_extension(extension)
            .map_err(|error| error.to_string())?;
    }
    let env = std::sync::Arc::new(env);
    let policy = parse_policy(setup, |source| {
        env.compile(source).map_err(|error| error.to_string())
    })?;
    let root = Context::with_env(env);
    serve(&policy.about, |bytes| {
        let mut outcome = Outcome::default();
        let mut context = root.new_inner_scope();
        let object: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        context.add_variable_from_value(
            "object",
            to_value(&object).map_err(|error| error.to_string())?,
        );
        for (name, program) in &policy.variables {
            match program.execute(&context) {
                Ok(value) => context.add_variable_from_value(name.as_str(), value),
                Err(error) => outcome.error = error.to_string(),
            }
        }
        for program in &policy.controls {
            match program.execute(&context) {
                Ok(cel::Value::Bool(clean)) => outcome.failing += usize::from(!clean),
                Ok(_) => outcome.errors += 1,
                Err(error) => {
                    outcome.errors += 1;
                    outcome.error = error.to_string();
                }
            }
        }
        Ok(outcome)
    })
}

/// Evaluates with `kube-cel`.
fn serve_kube_cel(setup: &Value) -> Result<(), String> {
    use kube_cel::{
        KubeCelExt as _,
        cel::{Context, Value as CelValue, parser::Parser, to_value},
    };
    let policy = parse_policy(setup, |source| {
        Parser::default()
            .enable_optional_syntax(true)
            .parse(source)
            .map_err(|error| error.to_string())
    })?;
    let root = Context::default().with_all();
    serve(&policy.about, |bytes| {
        let mut outcome = Outcome::default();
        let mut context = root.new_inner_scope();
        let object: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        context.add_variable_from_value(
            "object",
            to_value(&object).map_err(|error| error.to_string())?,
        );
        for (name, expression) in &policy.variables {
            match context.resolve(expression) {
                Ok(value) => context.add_variable_from_value(name.as_str(), value),
                Err(error) => outcome.error = error.to_string(),
            }
        }
        for expression in &policy.controls {
            match context.resolve(expression) {
                Ok(CelValue::Bool(clean)) => outcome.failing += usize::from(!clean),
                Ok(_) => outcome.errors += 1,
                Err(error) => {
                    outcome.errors += 1;
                    outcome.error = error.to_string();
                }
            }
        }
        Ok(outcome)
    })
}

/// Parses the variables that conditions need and the conditions of the controls.
fn parse_policy<P>(
    setup: &Value,
    parse: impl Fn(&str) -> Result<P, String>,
) -> Result<ParsedPolicy<P>, String> {
    let pairs = |key: &str| -> Vec<(String, String)> {
        let list = setup
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let string = |pair: &Value, index: usize| {
            pair.get(index)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        // A map `variables` would be copied for each variable that is added.
        list.map(|pair| {
            (
                string(pair, 0),
                string(pair, 1).replace("variables.", "variables_"),
            )
        })
        .collect()
    };
    let mut refused = BTreeMap::new();
    let mut variables = Vec::new();
    let conditions = pairs("controls");
    for (name, source) in needed_variables(pairs("variables"), &conditions) {
        match parse(&source) {
            Ok(parsed) => variables.push((format!("variables_{name}"), parsed)),
            Err(error) => drop(refused.insert(name, error)),
        }
    }
    let total = conditions.len();
    let controls: Vec<P> = conditions
        .into_iter()
        .filter_map(|(id, source)| {
            parse(&source)
                .map_err(|error| refused.insert(id, error))
                .ok()
        })
        .collect();
    let mut about = format!("parses {} of {total} controls", controls.len());
    if let Some((name, error)) = refused.iter().next() {
        about += &format!(" (refused: {}; {name}: {})", refused.len(), one_line(error));
    }
    Ok(ParsedPolicy {
        variables,
        controls,
        about,
    })
}

/// Returns the variables that the conditions use, directly or through other variables. The others
/// serve only messages.
fn needed_variables(
    variables: Vec<(String, String)>,
    controls: &[(String, String)],
) -> Vec<(String, String)> {
    let names = |source: &str| -> Vec<String> {
        let suffixes = source.split("variables_").skip(1);
        suffixes
            .map(|suffix| {
                suffix
                    .chars()
                    .take_while(|char| char.is_alphanumeric() || *char == '_')
                    .collect()
            })
            .collect()
    };
    let mut used: BTreeSet<String> = controls
        .iter()
        .flat_map(|(_, source)| names(source))
        .collect();
    // A variable uses only variables before it, so the reverse order finds all uses first.
    let mut kept = Vec::new();
    for (name, source) in variables.into_iter().rev() {
        if used.contains(&name) {
            used.extend(names(&source));
            kept.push((name, source));
        }
    }
    kept.reverse();
    kept
}

/// Prints the first line, then answers each line of stdin.
fn serve(about: &str, evaluate: impl Fn(&[u8]) -> Result<Outcome, String>) -> Result<(), String> {
    println!("{}", json!({"about": about}));
    for line in stdin().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let answer = run_batch(&line, &evaluate).unwrap_or_else(|error| json!({"error": error}));
        println!("{answer}");
        stdout().flush().map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Answers a line `COUNT PATH`.
fn run_batch(
    line: &str,
    evaluate: impl Fn(&[u8]) -> Result<Outcome, String>,
) -> Result<Value, String> {
    let (count, path) = line.split_once(' ').ok_or("write COUNT PATH")?;
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    let count: usize = count.parse().map_err(|_| "COUNT is a number")?;
    let mut nanos = Vec::with_capacity(count);
    let mut last = Outcome::default();
    for _ in 0..count {
        let begin = Instant::now();
        last = evaluate(&bytes)?;
        nanos.push(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    let remarks = match last.errors {
        0 => String::new(),
        errors => format!("{errors} end in an error ({})", one_line(&last.error)),
    };
    Ok(json!({"failing": last.failing, "remarks": remarks, "nanos": nanos}))
}

/// The first line that is not blank, cut to 90 characters.
fn one_line(message: &str) -> String {
    let line = message
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default();
    line.chars().take(90).collect()
}
