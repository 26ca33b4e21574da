//! The program as its users meet it: the real binary, in a folder of its own, judged by what it prints and how it ends.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod manifests;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod scan;
#[cfg(test)]
mod support;
