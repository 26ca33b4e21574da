//! Two CEL interpreters in Rust on the policies that kubevet prints: `cel`, and `cel` as `kube-cel` extends it with
//! Kubernetes' functions. `cel-peer cel|kube-cel SETUP.json` says in a first line what it could parse, then answers
//! each line `COUNT PATH` with the times of so many evaluations from the object's bytes on.
//!
//! Variables are given by value under names of their own, in order, each evaluated once: the API server does so lazily,
//! which neither library offers. A variable that fails takes with it the controls that use it.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{Write as _, stdin, stdout},
    time::Instant,
};

/// Expressions that could be parsed, and how many controls could not.
struct Sheet<P> {
    variables: Vec<(String, P)>,
    controls: Vec<P>,
    about: String,
}

/// What one evaluation came to.
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
        Some([who, file]) => fs::read_to_string(file)
            .map_err(|it| it.to_string())
            .and_then(|text| {
                let set_up: Value = serde_json::from_str(&text).map_err(|it| it.to_string())?;
                if who == "cel" {
                    plain(&set_up)
                } else {
                    kubernetes(&set_up)
                }
            }),
        _ => Err("usage: cel-peer cel|kube-cel SETUP.json".to_owned()),
    };
    if let Err(error) = outcome {
        println!("{}", json!({"error": error}));
    }
}

fn plain(set_up: &Value) -> Result<(), String> {
    use cel::{Context, Env, extensions, to_value};
    let mut env = Env::stdlib();
    for extension in [
        extensions::strings,
        extensions::lists,
        extensions::math,
        extensions::encoders,
    ] {
        env.add_extension(extension).map_err(|it| it.to_string())?;
    }
    let env = std::sync::Arc::new(env);
    let sheet = sheet(set_up, |text| {
        env.compile(text).map_err(|it| it.to_string())
    })?;
    let root = Context::with_env(env);
    serve(&sheet.about, |bytes| {
        let mut outcome = Outcome::default();
        let mut context = root.new_inner_scope();
        let object: Value = serde_json::from_slice(bytes).map_err(|it| it.to_string())?;
        context.add_variable_from_value("object", to_value(&object).map_err(|it| it.to_string())?);
        for (name, program) in &sheet.variables {
            match program.execute(&context) {
                Ok(value) => context.add_variable_from_value(name.as_str(), value),
                Err(error) => outcome.error = error.to_string(),
            }
        }
        for program in &sheet.controls {
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

fn kubernetes(set_up: &Value) -> Result<(), String> {
    use kube_cel::{
        KubeCelExt as _,
        cel::{Context, Value as CelValue, parser::Parser, to_value},
    };
    let sheet = sheet(set_up, |text| {
        Parser::default()
            .enable_optional_syntax(true)
            .parse(text)
            .map_err(|it| it.to_string())
    })?;
    let root = Context::default().with_all();
    serve(&sheet.about, |bytes| {
        let mut outcome = Outcome::default();
        let mut context = root.new_inner_scope();
        let object: Value = serde_json::from_slice(bytes).map_err(|it| it.to_string())?;
        context.add_variable_from_value("object", to_value(&object).map_err(|it| it.to_string())?);
        for (name, expression) in &sheet.variables {
            match context.resolve(expression) {
                Ok(value) => context.add_variable_from_value(name.as_str(), value),
                Err(error) => outcome.error = error.to_string(),
            }
        }
        for expression in &sheet.controls {
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

fn sheet<P>(set_up: &Value, parse: impl Fn(&str) -> Result<P, String>) -> Result<Sheet<P>, String> {
    let pairs = |key: &str| -> Vec<(String, String)> {
        let list = set_up
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let text = |it: &Value, at: usize| {
            it.get(at)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        // Names of their own instead of fields of one map, which would be copied with each variable that is added.
        list.map(|it| (text(it, 0), text(it, 1).replace("variables.", "variables_")))
            .collect()
    };
    let mut refused = BTreeMap::new();
    let mut variables = Vec::new();
    let all = pairs("controls");
    for (name, text) in needed(pairs("variables"), &all) {
        match parse(&text) {
            Ok(parsed) => variables.push((format!("variables_{name}"), parsed)),
            Err(error) => drop(refused.insert(name, error)),
        }
    }
    let total = all.len();
    let controls: Vec<P> = all
        .into_iter()
        .filter_map(|(id, text)| parse(&text).map_err(|it| refused.insert(id, it)).ok())
        .collect();
    let mut about = format!("parses {} of {total} controls", controls.len());
    if let Some((name, error)) = refused.iter().next() {
        about += &format!(" (refused: {}; {name}: {})", refused.len(), one_line(error));
    }
    Ok(Sheet {
        variables,
        controls,
        about,
    })
}

/// The variables that the conditions need, themselves or through others; the rest is for messages.
fn needed(
    variables: Vec<(String, String)>,
    controls: &[(String, String)],
) -> Vec<(String, String)> {
    let names = |text: &str| -> Vec<String> {
        let after = text.split("variables_").skip(1);
        after
            .map(|it| {
                it.chars()
                    .take_while(|it| it.is_alphanumeric() || *it == '_')
                    .collect()
            })
            .collect()
    };
    let mut wanted: BTreeSet<String> = controls.iter().flat_map(|(_, text)| names(text)).collect();
    // Each stands after those that it uses.
    let mut kept = Vec::new();
    for (name, text) in variables.into_iter().rev() {
        if wanted.contains(&name) {
            wanted.extend(names(&text));
            kept.push((name, text));
        }
    }
    kept.reverse();
    kept
}

fn serve(about: &str, judge: impl Fn(&[u8]) -> Result<Outcome, String>) -> Result<(), String> {
    println!("{}", json!({"about": about}));
    for line in stdin().lines() {
        let line = line.map_err(|it| it.to_string())?;
        let answer = turn(&line, &judge).unwrap_or_else(|error| json!({"error": error}));
        println!("{answer}");
        stdout().flush().map_err(|it| it.to_string())?;
    }
    Ok(())
}

fn turn(line: &str, judge: impl Fn(&[u8]) -> Result<Outcome, String>) -> Result<Value, String> {
    let (count, path) = line.split_once(' ').ok_or("write COUNT PATH")?;
    let bytes = fs::read(path).map_err(|it| it.to_string())?;
    let count: usize = count.parse().map_err(|_| "COUNT is a number")?;
    let mut nanos = Vec::with_capacity(count);
    let mut last = Outcome::default();
    for _ in 0..count {
        let begin = Instant::now();
        last = judge(&bytes)?;
        nanos.push(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    let remarks = match last.errors {
        0 => String::new(),
        errors => format!("{errors} end in an error ({})", one_line(&last.error)),
    };
    Ok(json!({"failing": last.failing, "remarks": remarks, "nanos": nanos}))
}

fn one_line(text: &str) -> String {
    let line = text
        .lines()
        .map(str::trim)
        .find(|it| !it.is_empty())
        .unwrap_or_default();
    line.chars().take(90).collect()
}
