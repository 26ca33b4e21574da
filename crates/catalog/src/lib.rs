//! What is installed in an image or a folder: package databases, language packages, programs known by
//! their content.
//!
//! Two steps. [`Catalog`] looks at each file alone and keeps [`FileFacts`], which are stored with the
//! layer. [`inventory`] puts the facts of the squashed file system together: what one package says in
//! several files, the distribution, and which package owns the files of another. It stands apart from
//! images, so that a folder is read by the same code. Nothing here opens a file, writes one, or compares
//! versions. Names, versions and package URLs are those of Syft.
//!
//! | file | is |
//! |---|---|
//! | `apk` | Alpine's installed database |
//! | `cataloger` | what a cataloger is, and the table of all |
//! | `catalog` | the question asked of each file |
//! | `cpe` | names of the Common Platform Enumeration |
//! | `dpkg` | Debian's package database |
//! | `dpkg_copyright` | licences in Debian's copyright files |
//! | `executable` | sections and segments of ELF, PE and Mach-O files |
//! | `facts` | what is kept of a file |
//! | `files` | the facts of a squashed file system, found by path |
//! | `go_binary` | Go modules in the build information of a program |
//! | `go_build_info` | the text that Go's linker writes |
//! | `inventory` | facts of all files put together |
//! | `java` | Java archives and what is nested in them |
//! | `java_manifest` | MANIFEST.MF |
//! | `java_names` | name, group and version of a Java archive |
//! | `javascript` | Node.js packages that are installed |
//! | `javascript_locks` | lock files of npm and Yarn, in folders |
//! | `maven` | pom.properties and pom.xml |
//! | `os_release` | the distribution |
//! | `ownership` | packages whose files another package owns |
//! | `paragraphs` | fields of control files and of Python's metadata |
//! | `purl` | package URLs |
//! | `python` | Python distributions |
//! | `rust_audit` | crates in the audit section of a Rust program |
//! | `zip` | entries of a zip archive |

mod apk;
mod catalog;
mod cataloger;
mod cpe;
mod dpkg;
mod dpkg_copyright;
mod executable;
mod facts;
mod files;
mod go_binary;
mod go_build_info;
mod inventory;
mod java;
mod java_manifest;
mod java_names;
mod javascript;
mod javascript_locks;
mod maven;
mod os_release;
mod ownership;
mod paragraphs;
mod purl;
mod python;
mod rust_audit;
mod zip;

pub use catalog::Catalog;
pub use cataloger::Subject;
pub use facts::FileFacts;
pub use files::{CatalogedFile, FileTree};
pub use inventory::inventory;
