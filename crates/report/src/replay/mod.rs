//! A replay of requests under other bindings: what would newly be denied.
//!
//! | file | is |
//! |---|---|
//! | `denial_table` | the table for people |
//! | `replay_json` | the same for programs |

mod denial_table;
mod replay_json;

use crate::Style;
use kubevet_model::Replay;
use std::io;

/// Writes a replay as a table for people, worst first.
///
/// # Errors
/// `out` cannot be written.
pub fn write_replay_table(
    replay: &Replay,
    style: &Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    denial_table::write(replay, style, out)
}

/// Writes a replay as JSON.
///
/// # Errors
/// `out` cannot be written.
pub fn write_replay_json(replay: &Replay, out: &mut dyn io::Write) -> io::Result<()> {
    replay_json::write(replay, out)
}
