//! Tasks of the project's developers. `cargo xtask freeze` shows that a change leaves the program's
//! output as it was.
//!
//! It runs the program as a user does, and links no part of it.

#![allow(
    clippy::disallowed_methods,
    reason = "it runs the program and keeps what it prints"
)]

mod freeze;
mod program;
mod webhook_run;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["freeze", "record"] => freeze::record(),
        ["freeze", "compare"] => freeze::compare(),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(message) => {
            print_message(&message);
            ExitCode::SUCCESS
        }
        Err(error) => {
            print_error(&error);
            ExitCode::FAILURE
        }
    }
}

const USAGE: &str = "usage: cargo xtask freeze record|compare
  record    keeps what the program prints, in target/freeze
  compare   says where it now prints something else
KUBEVET_BIN names the program (default: target/release/kubevet), KUBEVET_SHARED the folder with the corpus.";

#[expect(clippy::print_stdout, reason = "a tool for a terminal")]
fn print_message(message: &str) {
    println!("{message}");
}

#[expect(clippy::print_stderr, reason = "a tool for a terminal")]
fn print_error(error: &str) {
    eprintln!("{error}");
}
