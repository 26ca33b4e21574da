//! Durations on the command line.

use std::time::Duration;

/// Parses a duration such as `5s`, `250ms`, `10m` or `1h`.
pub(super) fn parse_duration(argument: &str) -> Result<Duration, String> {
    humantime::parse_duration(argument).map_err(|_| {
        format!("`{argument}` is not a valid time: write it like 5s, 250ms, 10m or 1h")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(argument: &str, expected_ms: Option<u64>) {
        let duration = parse_duration(argument).ok();
        assert_eq!(
            duration,
            expected_ms.map(Duration::from_millis),
            "{argument}"
        );
    }

    #[test]
    fn duration_needs_a_number_and_a_unit() {
        check("5s", Some(5_000));
        check("250ms", Some(250));
        check("10m", Some(600_000));
        check("1h", Some(3_600_000));
        check("0s", Some(0));
        check("5", None);
        check("s", None);
        check("-5s", None);
        check("99999999999999999999h", None);
        check("", None);
    }
}
