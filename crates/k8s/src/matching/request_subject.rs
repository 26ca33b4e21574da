//! Subjects: the users, groups and service accounts that a request can come from, as in RBAC.

use std::fmt;

/// The start of the user name of a service account; `NAMESPACE:NAME` follows.
const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";

/// A subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RequestSubject {
    /// A user, by the name that the API server authenticated.
    User(String),
    /// All members of a group.
    Group(String),
    /// A service account.
    ServiceAccount {
        /// The namespace.
        namespace: String,
        /// The name.
        name: String,
    },
}

impl RequestSubject {
    /// Returns the name of the only user that this subject stands for; `None` for a group.
    #[must_use]
    pub fn user_name(&self) -> Option<String> {
        match self {
            Self::User(name) => Some(name.clone()),
            Self::Group(_) => None,
            Self::ServiceAccount { namespace, name } => {
                Some(format!("{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}"))
            }
        }
    }

    /// True if a user with these groups is the subject, or is a member of it.
    #[must_use]
    pub fn includes(&self, user_name: &str, groups: &[String]) -> bool {
        match self {
            Self::User(name) => name == user_name,
            Self::Group(name) => groups.contains(name),
            Self::ServiceAccount { namespace, name } => user_name
                .strip_prefix(SERVICE_ACCOUNT_PREFIX)
                .and_then(|account| account.split_once(':'))
                .is_some_and(|account| account == (namespace.as_str(), name.as_str())),
        }
    }
}

impl fmt::Display for RequestSubject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(out, "the user {name}"),
            Self::Group(name) => write!(out, "the group {name}"),
            Self::ServiceAccount { namespace, name } => {
                write!(out, "the service account {namespace}/{name}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(subject: &RequestSubject, user_name: &str, groups: &[&str], expected: bool) {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        assert_eq!(
            subject.includes(user_name, &groups),
            expected,
            "{subject:?} {user_name} {groups:?}"
        );
        if groups.is_empty() {
            let is_user = subject.user_name().as_deref() == Some(user_name);
            assert_eq!(is_user, expected, "{subject:?} {user_name}");
        }
    }

    #[test]
    fn subject_is_compared_as_a_whole() {
        let user = RequestSubject::User("ann".to_owned());
        check(&user, "ann", &[], true);
        check(&user, "anna", &[], false);
        check(&user, "bob", &["ann"], false);
        let group = RequestSubject::Group("ops".to_owned());
        check(&group, "ops", &[], false);
        check(&group, "ann", &["dev", "ops"], true);
        let account = RequestSubject::ServiceAccount {
            namespace: "cd".to_owned(),
            name: "robot".to_owned(),
        };
        check(&account, "system:serviceaccount:cd:robot", &[], true);
        check(&account, "system:serviceaccount:cd:robot:x", &[], false);
        check(&account, "system:serviceaccount:other:robot", &[], false);
        check(&account, "robot", &[], false);
        // The name of an account can be written as that of a user.
        let name = "system:serviceaccount:cd:robot";
        check(&RequestSubject::User(name.to_owned()), name, &[], true);
    }
}
