//! The reference tier: regorus's interpreter behind one type. It runs any Rego that `safety` lets through.
//!
//! All rules live in one interpreter. For each set of controls that can meet an object there is an entry rule that asks
//! them all, so the pod spec and its containers are found once per object and not once per control. A judgement that
//! fails as a whole is repeated control by control, so one bad rule costs only its own answer.

use kubevet_model::{EvalError, EvalTier, Problem};
use kubevet_policy as policy;
use kubevet_rego::ast;
use kubevet_rego::builtins::{self, Budget};
use regorus::{Value, utils::limits::ExecutionTimerConfig};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    num::NonZeroU32,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How long the rules of one object may take together, and one rule when it is asked alone.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(1);
/// How long one rule may take that is asked alone for somebody who waits, after all together took too long: an object
/// made to be slow must not hold a core for as long as its sender waits.
const TIME_LIMIT_ALONE: Duration = Duration::from_millis(100);
/// How many steps of the interpreter pass between two looks at the clock.
const STEPS: u32 = 64;
/// Where the entry rules stand.
const ENTRY_PACKAGE: &str = "kubevet.entry";

/// The interpreter with all rules loaded. Shared between threads; each judgement borrows a copy.
pub(super) struct Interpreter {
    prepared: regorus::Engine,
    idle: Mutex<Vec<Worker>>,
}

/// A copy of the interpreter with a budget of its own.
struct Worker {
    engine: regorus::Engine,
    budget: Budget,
}

/// Which entry rule asks a set of controls: the set's place in the list given to `load`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntryRule(pub(super) usize);

impl Interpreter {
    /// Loads modules, and an entry rule for each set of packages in `sets`.
    ///
    /// # Errors
    /// The module that the interpreter's own analysis refuses.
    pub(super) fn load(
        modules: &[&policy::ModuleSource],
        sets: &[BTreeSet<String>],
    ) -> Result<Self, Problem> {
        let mut engine = regorus::Engine::new();
        engine.set_strict_builtin_errors(false);
        for module in modules {
            engine
                .add_policy(module.file.to_string(), module.text.to_string())
                .map_err(|error| ast::located(&module.file, &error))?;
        }
        let unknown = |error: anyhow::Error| ast::located("", &error);
        engine
            .add_policy("entry.rego".to_owned(), entry_module(sets))
            .map_err(unknown)?;
        engine.set_execution_timer_config(timer(TIME_LIMIT));
        // The first evaluation analyses all modules; copies share what it finds.
        engine.set_input(Value::new_object());
        engine
            .eval_rule(format!("data.{ENTRY_PACKAGE}.ready"))
            .map_err(unknown)?;
        Ok(Self {
            prepared: engine,
            idle: Mutex::new(Vec::new()),
        })
    }

    /// Each package's `deny`, or why it has none. Past `until` no rule is begun or goes on.
    pub(super) fn ask(
        &self,
        entry: EntryRule,
        packages: &[&str],
        input: Value,
        until: Option<Instant>,
    ) -> Vec<Result<Value, EvalError>> {
        let mut worker = match self.take() {
            Ok(worker) => worker,
            Err(why) => return packages.iter().map(|_| Err(why.clone())).collect(),
        };
        worker.engine.set_input(input);
        let together = worker.evaluate(
            &format!("data.{ENTRY_PACKAGE}.set_{}", entry.0),
            until,
            TIME_LIMIT,
        );
        let alone = if until.is_some() {
            TIME_LIMIT_ALONE
        } else {
            TIME_LIMIT
        };
        let answers = match together {
            Ok(Value::Object(answers)) if answers.len() == packages.len() => packages
                .iter()
                .map(|it| {
                    answers
                        .get(&Value::from(*it))
                        .cloned()
                        .ok_or_else(|| EvalError::RuleFailed("no answer".to_owned()))
                })
                .collect(),
            _ => packages
                .iter()
                .map(|it| worker.evaluate(&format!("data.{it}.deny"), until, alone))
                .collect(),
        };
        worker.engine.set_input(Value::Null);
        if let Ok(mut idle) = self.idle.lock() {
            idle.push(worker);
        }
        answers
    }

    fn take(&self) -> Result<Worker, EvalError> {
        if let Some(worker) = self.idle.lock().ok().and_then(|mut idle| idle.pop()) {
            return Ok(worker);
        }
        let mut engine = self.prepared.clone();
        let budget = Budget::default();
        builtins::install(&mut engine, &budget)
            .map_err(|error| EvalError::RuleFailed(error.to_string()))?;
        Ok(Worker { engine, budget })
    }
}

impl Worker {
    /// A rule's value, for at most `limit`, and not past `until`.
    fn evaluate(
        &mut self,
        rule: &str,
        until: Option<Instant>,
        limit: Duration,
    ) -> Result<Value, EvalError> {
        let left = until.map_or(limit, |it| {
            it.saturating_duration_since(Instant::now()).min(limit)
        });
        if left.is_zero() {
            return Err(EvalError::Deadline(EvalTier::Interpreted));
        }
        self.engine.set_execution_timer_config(timer(left));
        self.budget.refill();
        let answer = self
            .engine
            .eval_rule(rule.to_owned())
            .map_err(|error| why(&error, left));
        // A rule that went on after a refused builtin may have lost a finding.
        if self.budget.is_overdrawn() {
            return Err(EvalError::MemoryLimit {
                tier: EvalTier::Interpreted,
                max_mib: builtins::OUTPUT_BYTES >> 20,
            });
        }
        answer
    }
}

fn timer(limit: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig {
        limit,
        check_interval: NonZeroU32::new(STEPS).unwrap_or(NonZeroU32::MIN),
    }
}

fn why(error: &anyhow::Error, limit: Duration) -> EvalError {
    let text = error.to_string();
    if text.contains("execution exceeded time limit") || text.contains("time limit") {
        return EvalError::TimeLimit {
            limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        };
    }
    EvalError::RuleFailed(ast::located("", error).to_string())
}

fn entry_module(sets: &[BTreeSet<String>]) -> String {
    let mut text = format!("package {ENTRY_PACKAGE}\nimport rego.v1\nready := true\n");
    for (number, packages) in sets.iter().enumerate() {
        let _ = writeln!(text, "set_{number} := {{");
        for package in packages {
            let _ = writeln!(text, "\t\"{package}\": data.{package}.deny,");
        }
        text.push_str("}\n");
    }
    text
}
