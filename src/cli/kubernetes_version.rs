//! The versions of Kubernetes that policies are exported for, and that objects are written for.

/// The oldest minor version whose ValidatingAdmissionPolicies are stable (GA in 1.30).
pub(super) const MIN_SUPPORTED_MINOR: u8 = 30;

/// Parses the minor version of `1.30`, `v1.30` or `v1.30.2`.
///
/// # Errors
/// The argument is not a valid version.
pub(super) fn parse_minor(argument: &str) -> Result<u8, String> {
    let version = argument.trim_start_matches('v').strip_prefix("1.");
    let (minor, patch) = version
        .map(|version| version.split_once('.').unwrap_or((version, "0")))
        .unwrap_or_default();
    let is_version = patch.starts_with(|first: char| first.is_ascii_digit());
    minor
        .parse()
        .ok()
        .filter(|_| is_version)
        .ok_or_else(|| format!("write it like 1.{MIN_SUPPORTED_MINOR}"))
}

/// As [`parse_minor`], for policies.
///
/// # Errors
/// The argument is not a valid version, or a version before [`MIN_SUPPORTED_MINOR`].
pub(super) fn parse_policy_minor(argument: &str) -> Result<u8, String> {
    match parse_minor(argument)? {
        minor if minor >= MIN_SUPPORTED_MINOR => Ok(minor),
        _ => Err(format!(
            "ValidatingAdmissionPolicies are there from Kubernetes 1.{MIN_SUPPORTED_MINOR} on"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(argument: &str, expected: Result<u8, &str>) {
        assert_eq!(
            parse_policy_minor(argument),
            expected.map_err(str::to_owned)
        );
    }

    #[test]
    fn version_before_stable_policies_is_rejected() {
        check("1.30", Ok(30));
        check("v1.36", Ok(36));
        check("1.33.13-gke.100", Ok(33));
        check(
            "1.29",
            Err("ValidatingAdmissionPolicies are there from Kubernetes 1.30 on"),
        );
        for argument in ["30", "", "1.", "1.x", "2.30", "1.30.", "1.30.x", "1.-1"] {
            check(argument, Err("write it like 1.30"));
        }
        assert_eq!(parse_minor("1.15"), Ok(15));
    }
}
