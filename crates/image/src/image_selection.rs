//! Which of several images a user means.

use super::platform::ImagePlatform;

/// Which of several images is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageSelection {
    /// The platform. `None` means the only one, else Linux on the present architecture.
    pub platform: Option<ImagePlatform>,
    /// The name or digest of an image in a layout or archive.
    pub name: Option<String>,
}
