//! Licences of a package: each is an SPDX identifier, an SPDX expression, or only a name.

/// How far a licence is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LicenseForm {
    /// One identifier of the SPDX list, such as `MIT`.
    Identifier,
    /// An expression of identifiers, such as `MIT OR Apache-2.0`.
    Expression,
    /// Any other text.
    Name,
}

/// Says how far a licence is understood.
pub(crate) fn form_of(license: &str) -> LicenseForm {
    if spdx::license_id(license).is_some_and(|id| id.name == license) {
        LicenseForm::Identifier
    } else if spdx::Expression::parse(license).is_ok() {
        LicenseForm::Expression
    } else {
        LicenseForm::Name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn license_is_identifier_expression_or_name() {
        for (license, expected) in [
            ("MIT", LicenseForm::Identifier),
            ("GPL-2.0-only", LicenseForm::Identifier),
            ("MIT OR Apache-2.0", LicenseForm::Expression),
            ("LicenseRef-mine", LicenseForm::Expression),
            ("BSD (3 clauses)", LicenseForm::Name),
            ("", LicenseForm::Name),
        ] {
            assert_eq!(form_of(license), expected, "{license}");
        }
    }
}
