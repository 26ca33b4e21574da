//! The versions of Kubernetes that policies are exported for.

/// The oldest minor version whose ValidatingAdmissionPolicies are stable (GA in 1.30).
pub(super) const MIN_SUPPORTED_MINOR: u8 = 30;

/// Parses the minor version of `1.30` or `v1.30`.
///
/// # Errors
/// The argument is no version, or a version before [`MIN_SUPPORTED_MINOR`].
pub(super) fn parse_minor(argument: &str) -> Result<u8, String> {
    let minor = argument
        .trim_start_matches('v')
        .strip_prefix("1.")
        .and_then(|minor| minor.parse::<u8>().ok());
    match minor {
        Some(minor) if minor >= MIN_SUPPORTED_MINOR => Ok(minor),
        Some(_) => Err(format!(
            "ValidatingAdmissionPolicies are there from Kubernetes 1.{MIN_SUPPORTED_MINOR} on"
        )),
        None => Err(format!("write it like 1.{MIN_SUPPORTED_MINOR}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(argument: &str, expected: Result<u8, &str>) {
        assert_eq!(parse_minor(argument), expected.map_err(str::to_owned));
    }

    #[test]
    fn version_before_stable_policies_is_rejected() {
        check("1.30", Ok(30));
        check("v1.36", Ok(36));
        check(
            "1.29",
            Err("ValidatingAdmissionPolicies are there from Kubernetes 1.30 on"),
        );
        check("30", Err("write it like 1.30"));
    }
}
