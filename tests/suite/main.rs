//! The program as its users meet it: the real binary, in a folder of its own, judged by what it prints and how it ends.

#[cfg(test)]
#[path = "../cluster/client.rs"]
#[allow(
    dead_code,
    reason = "the tests of a cluster share it, and use more of it"
)]
mod client;
#[cfg(test)]
mod fairness;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod gate_hostile;
#[cfg(test)]
mod gate_logs;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod policies;
#[cfg(test)]
#[path = "../cluster/process.rs"]
#[allow(dead_code, reason = "as above")]
mod process;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod review;
#[cfg(test)]
mod scan;
#[cfg(test)]
#[path = "../cluster/gate.rs"]
#[allow(dead_code, reason = "as above")]
mod served;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vap;
#[cfg(test)]
#[path = "../cluster/waiting.rs"]
mod waiting;
