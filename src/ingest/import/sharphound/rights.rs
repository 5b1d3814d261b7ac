//! What a right of Active Directory lets its holder do.

/// What a right over a domain gives.
pub(super) enum Rights {
    /// One or both halves of replication: both together are DCSync.
    Replicate(&'static [&'static str]),
    /// The domain itself: the holder can grant itself the rest.
    Control,
    Other,
}

/// What a right over a user restores to its holder: the password alone, or a way to sign in as the
/// user (a planted key credential, a read managed password, or rewritten rights).
pub(super) fn over_user(right: &str) -> Option<&'static str> {
    match right.to_ascii_lowercase().as_str() {
        "forcechangepassword" | "allextendedrights" => Some("password"),
        "genericall"
        | "genericwrite"
        | "addkeycredentiallink"
        | "writedacl"
        | "writeowner"
        | "owns"
        | "readgmsapassword" => Some("account"),
        _ => None,
    }
}

/// Whether a right over a group lets its holder change the membership.
pub(super) fn over_group(right: &str) -> bool {
    matches!(
        right.to_ascii_lowercase().as_str(),
        "addmember"
            | "addself"
            | "genericall"
            | "genericwrite"
            | "writedacl"
            | "writeowner"
            | "owns"
    )
}

/// The name of a right. Version 3 writes extended rights and properties in two parts, and `Owner`.
pub(super) fn name(right: &str, ace_type: &str) -> String {
    match (right, ace_type) {
        ("ExtendedRight", "User-Force-Change-Password") => "ForceChangePassword",
        ("ExtendedRight", "All" | "") => "AllExtendedRights",
        ("WriteProperty", "AddMember" | "Member") => "AddMember",
        ("ExtendedRight" | "WriteProperty", other) if !other.is_empty() => other,
        ("Owner", _) => "Owns",
        (right, _) => right,
    }
    .to_owned()
}

/// What a right over a domain object gives.
pub(super) fn over_domain(right: &str) -> Rights {
    match right.to_ascii_lowercase().as_str() {
        "getchanges" => Rights::Replicate(&["GetChanges"]),
        "getchangesall" => Rights::Replicate(&["GetChangesAll"]),
        // Replication rights are extended rights.
        "allextendedrights" => Rights::Replicate(&["GetChanges", "GetChangesAll"]),
        "genericall" | "writedacl" | "writeowner" | "owns" => Rights::Control,
        _ => Rights::Other,
    }
}

/// The id of the process that stands for a right.
pub(super) fn process(right: &str) -> String {
    format!("ad:{right}")
}

/// Its name, for people.
pub(super) fn process_name(right: &str) -> String {
    match right {
        "DCSync" => "Active Directory: DCSync (replication of secrets)".to_owned(),
        "DomainControl" => "Active Directory: control of the domain".to_owned(),
        right => format!("Active Directory right {right}"),
    }
}
