//! The fallback interpreter: regorus behind one type. It runs the rules that the compiler rejects.
//!
//! All rules live in one interpreter. For each set of controls that can apply to an object there is
//! an entry rule that evaluates them together, so what they share, such as the containers, is
//! computed once for an object. If that fails, each control is evaluated alone: a bad rule costs
//! only its own result. OPA is the reference for what Rego means, not this interpreter; its known
//! deviations are listed in the tests that compare the two.

use super::bounded_builtins::{self, Budget};
use kubevet_model::{EvalError, EvalTier, Problem};
use kubevet_policy as policy;
use kubevet_rego::ast;
use regorus::{Value, utils::limits::ExecutionTimerConfig};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    num::NonZeroU32,
    sync::Mutex,
    time::{Duration, Instant},
};

/// The time limit of all rules of one object together, and of one rule that is evaluated alone
/// without a deadline.
const TIME_LIMIT: Duration = Duration::from_secs(1);
/// The time limit of one rule that is evaluated alone under a deadline, after all together failed.
/// An object made to be slow must not occupy a core for as long as its sender waits.
const TIME_LIMIT_ALONE: Duration = Duration::from_millis(100);
/// The steps of the interpreter between two checks of the time limit.
const TIMER_CHECK_STEPS: u32 = 64;
/// The package of the entry rules.
const ENTRY_PACKAGE: &str = "kubevet.entry";

/// The interpreter with all rules loaded. Threads share it; each evaluation uses a copy.
pub(super) struct Interpreter {
    prepared: regorus::Engine,
    worker_pool: Mutex<Vec<Worker>>,
}

/// A copy of the interpreter with a budget of its own.
struct Worker {
    engine: regorus::Engine,
    budget: Budget,
}

/// The package of a control's rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RulePackage {
    /// The name without `data.`, such as `controls.c0057`.
    pub(super) name: String,
    /// True if the rule says to which objects the control applies.
    pub(super) has_applies: bool,
}

impl RulePackage {
    /// The reference to the value of the package: its `deny` set, or `null` if the control does not
    /// apply to the object.
    fn value(&self) -> String {
        if self.has_applies {
            format!("data.{ENTRY_PACKAGE}.{}", self.entry_name())
        } else {
            format!("data.{}.deny", self.name)
        }
    }

    /// The name of the entry rule of a package with `applies`.
    fn entry_name(&self) -> String {
        format!("of_{}", self.name.replace('.', "_"))
    }
}

/// The entry rule of a set of packages: the index of the set in the list given to
/// [`Interpreter::load`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntryRule(pub(super) usize);

impl Interpreter {
    /// Loads modules, and an entry rule for each set of packages.
    ///
    /// # Errors
    /// A module is rejected by the interpreter's own analysis.
    pub(super) fn load(
        modules: &[&policy::ModuleSource],
        package_sets: &[BTreeSet<RulePackage>],
    ) -> Result<Self, Problem> {
        let mut engine = regorus::Engine::new();
        engine.set_strict_builtin_errors(false);
        for module in modules {
            engine
                .add_policy(module.file.to_string(), module.text.to_string())
                .map_err(|error| ast::located(&module.file, &error))?;
        }
        let in_unknown_file = |error: anyhow::Error| ast::located("", &error);
        engine
            .add_policy("entry.rego".to_owned(), entry_module(package_sets))
            .map_err(in_unknown_file)?;
        engine.set_execution_timer_config(timer(TIME_LIMIT));
        // The first evaluation analyses all modules; copies share the result.
        engine.set_input(Value::new_object());
        engine
            .eval_rule(format!("data.{ENTRY_PACKAGE}.ready"))
            .map_err(in_unknown_file)?;
        Ok(Self {
            prepared: engine,
            worker_pool: Mutex::new(Vec::new()),
        })
    }

    /// Evaluates the `deny` set of each package; `null` stands for a control that does not apply to
    /// the object. No rule runs past the deadline.
    pub(super) fn eval(
        &self,
        entry_rule: EntryRule,
        packages: &[&RulePackage],
        input: Value,
        deadline: Option<Instant>,
    ) -> Vec<Result<Value, EvalError>> {
        let mut worker = match self.take_worker() {
            Ok(worker) => worker,
            Err(error) => return packages.iter().map(|_| Err(error.clone())).collect(),
        };
        worker.engine.set_input(input);
        let entry = format!("data.{ENTRY_PACKAGE}.set_{}", entry_rule.0);
        let results = match worker.eval_rule(&entry, deadline, TIME_LIMIT) {
            // A package whose `deny` is undefined makes the whole entry undefined, or is missing in
            // it.
            Ok(Value::Object(sets)) if sets.len() == packages.len() => packages
                .iter()
                .map(|package| {
                    let deny = sets.get(&Value::from(package.name.as_str())).cloned();
                    deny.ok_or_else(|| EvalError::RuleFailed("no answer".to_owned()))
                })
                .collect(),
            _ => worker.eval_alone(packages, deadline),
        };
        worker.engine.set_input(Value::Null);
        if let Ok(mut pool) = self.worker_pool.lock() {
            pool.push(worker);
        }
        results
    }

    fn take_worker(&self) -> Result<Worker, EvalError> {
        let pooled = self.worker_pool.lock().ok();
        if let Some(worker) = pooled.and_then(|mut pool| pool.pop()) {
            return Ok(worker);
        }
        let mut engine = self.prepared.clone();
        let budget = Budget::default();
        bounded_builtins::install(&mut engine, &budget)
            .map_err(|error| EvalError::RuleFailed(error.to_string()))?;
        Ok(Worker { engine, budget })
    }
}

impl Worker {
    /// Evaluates the value of each package by itself.
    fn eval_alone(
        &mut self,
        packages: &[&RulePackage],
        deadline: Option<Instant>,
    ) -> Vec<Result<Value, EvalError>> {
        let limit = if deadline.is_some() {
            TIME_LIMIT_ALONE
        } else {
            TIME_LIMIT
        };
        packages
            .iter()
            .map(|package| self.eval_rule(&package.value(), deadline, limit))
            .collect()
    }

    /// Evaluates a rule within a time limit that ends no later than the deadline.
    fn eval_rule(
        &mut self,
        rule: &str,
        deadline: Option<Instant>,
        limit: Duration,
    ) -> Result<Value, EvalError> {
        let limit = deadline.map_or(limit, |deadline| {
            deadline
                .saturating_duration_since(Instant::now())
                .min(limit)
        });
        if limit.is_zero() {
            return Err(EvalError::Deadline(EvalTier::Interpreted));
        }
        self.engine.set_execution_timer_config(timer(limit));
        self.budget.refill();
        let result = self
            .engine
            .eval_rule(rule.to_owned())
            .map_err(|error| describe_error(&error, limit));
        // A rule that went on after a rejected builtin call may have lost a finding.
        if self.budget.is_overdrawn() {
            return Err(EvalError::MemoryLimit {
                tier: EvalTier::Interpreted,
                max_mib: bounded_builtins::MAX_OUTPUT_BYTES >> 20,
            });
        }
        result
    }
}

fn timer(limit: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig {
        limit,
        check_interval: NonZeroU32::new(TIMER_CHECK_STEPS).unwrap_or(NonZeroU32::MIN),
    }
}

/// Turns an error of regorus into one of ours. It has no error type: the time limit is known by its
/// message only.
fn describe_error(error: &anyhow::Error, limit: Duration) -> EvalError {
    if error.to_string().contains("time limit") {
        return EvalError::TimeLimit {
            limit_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        };
    }
    EvalError::RuleFailed(ast::located("", error).to_string())
}

/// Returns the module of the entry rules: for each set an object from package to its value, and the
/// values of packages with `applies`.
fn entry_module(package_sets: &[BTreeSet<RulePackage>]) -> String {
    let mut module = format!("package {ENTRY_PACKAGE}\nimport rego.v1\nready := true\n");
    let all: BTreeSet<&RulePackage> = package_sets.iter().flatten().collect();
    for package in all.into_iter().filter(|package| package.has_applies) {
        let (rule, name) = (package.entry_name(), &package.name);
        let _ = writeln!(
            module,
            "{rule} := null if not data.{name}.applies\nelse := data.{name}.deny"
        );
    }
    for (number, packages) in package_sets.iter().enumerate() {
        let _ = writeln!(module, "set_{number} := {{");
        for package in packages {
            let _ = writeln!(module, "\t\"{}\": {},", package.name, package.value());
        }
        module.push_str("}\n");
    }
    module
}
