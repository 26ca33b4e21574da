//! Images and folders, read by our own crates.

use kubevet_catalog::{Catalog, CatalogSubject, inventory};
use kubevet_image::{
    ImageError, ImageLimits, ImageLocation, ImageSelection, open_local, read_folder, read_layers,
    squash,
};
use kubevet_model::PackageInventory;
use std::path::Path;

/// What is in a folder.
pub(crate) fn inventory_of_folder(folder: &Path) -> Result<PackageInventory, ImageError> {
    let catalog = Catalog::new(CatalogSubject::Folder);
    let files = read_folder(folder, &catalog, &ImageLimits::default())?;
    Ok(inventory(&files, CatalogSubject::Folder))
}

/// What is in an image, such as `oci-dir:PATH`.
pub(crate) fn inventory_of_image(source: &str) -> Result<PackageInventory, ImageError> {
    let limits = ImageLimits::default();
    let ImageLocation::Local(local) = ImageLocation::parse(source)? else {
        panic!("{source} is not on this machine");
    };
    let opened = open_local(&local, &ImageSelection::default(), &limits)?;
    let catalog = Catalog::new(CatalogSubject::Image);
    let layers = read_layers(
        opened.source.as_ref(),
        &opened.image,
        &catalog,
        None,
        &limits,
    )?;
    let files = squash(layers, &limits)?;
    Ok(inventory(&files, CatalogSubject::Image))
}
