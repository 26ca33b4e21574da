//! The platform of an image, and which of several images has it.

use serde::Deserialize;
use std::{fmt, str::FromStr};

/// An operating system and an architecture, as Go names them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ImagePlatform {
    /// Such as `linux`.
    #[serde(default)]
    pub os: String,
    /// Such as `amd64` or `arm64`.
    #[serde(default)]
    pub architecture: String,
    /// Such as `v7` of `arm`; empty where it is not stated.
    #[serde(default)]
    pub variant: String,
}

/// Why a text is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a platform: it must be like linux/amd64 or linux/arm/v7")]
pub struct ParsePlatformError(String);

impl ImagePlatform {
    /// Linux on the architecture that this program was built for.
    pub fn of_host() -> Self {
        Self {
            os: "linux".to_owned(),
            architecture: go_architecture(std::env::consts::ARCH).to_owned(),
            variant: String::new(),
        }
    }

    /// Whether an image of this platform runs where `requested` is requested.
    pub fn matches(&self, requested: &Self) -> bool {
        let (variant, requested_variant) = (self.known_variant(), requested.known_variant());
        self.os == requested.os
            && go_architecture(&self.architecture) == go_architecture(&requested.architecture)
            && (variant == requested_variant
                || self.variant.is_empty()
                || requested.variant.is_empty())
    }

    /// The variant, with the usual one where none is stated.
    fn known_variant(&self) -> &str {
        match (go_architecture(&self.architecture), self.variant.as_str()) {
            ("arm64", "") => "v8",
            ("arm", "") => "v7",
            ("amd64", "") => "v1",
            (_, variant) => variant,
        }
    }

    /// Whether it matches with the same variant.
    pub(super) fn is_exact(&self, requested: &Self) -> bool {
        self.matches(requested) && self.known_variant() == requested.known_variant()
    }
}

fn go_architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" | "i386" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        name => name,
    }
}

impl FromStr for ImagePlatform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, ParsePlatformError> {
        let is_name = |part: &&str| {
            let is_allowed = |char: u8| char.is_ascii_alphanumeric() || b"-_.".contains(&char);
            !part.is_empty() && part.len() <= 64 && part.bytes().all(is_allowed)
        };
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match parts.as_slice() {
            _ if !parts.iter().all(is_name) => return Err(ParsePlatformError(text.to_owned())),
            [architecture] => ("linux", *architecture, ""),
            [os, architecture] => (*os, *architecture, ""),
            [os, architecture, variant] => (*os, *architecture, *variant),
            _ => return Err(ParsePlatformError(text.to_owned())),
        };
        Ok(Self {
            os: os.to_owned(),
            architecture: go_architecture(architecture).to_owned(),
            variant: variant.to_owned(),
        })
    }
}

impl fmt::Display for ImagePlatform {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.os, self.architecture)?;
        if !self.variant.is_empty() {
            write!(formatter, "/{}", self.variant)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, requested: &str, matches: bool) {
        let image: ImagePlatform = image.parse().unwrap();
        let requested: ImagePlatform = requested.parse().unwrap();
        assert_eq!(image.matches(&requested), matches, "{image} {requested}");
    }

    #[test]
    fn platform_matches_by_variant_where_both_state_one() {
        check("linux/amd64", "linux/amd64", true);
        check("linux/amd64", "x86_64", true);
        check("linux/arm64/v8", "linux/arm64", true);
        check("linux/arm64", "linux/arm64/v8", true);
        check("linux/arm/v6", "linux/arm/v7", false);
        check("linux/arm64", "linux/amd64", false);
        check("windows/amd64", "linux/amd64", false);
    }

    #[test]
    fn text_that_is_no_platform_is_refused() {
        for text in ["", "/", "linux/", "a/b/c/d", "linux/amd 64"] {
            assert!(text.parse::<ImagePlatform>().is_err(), "{text}");
        }
    }
}
